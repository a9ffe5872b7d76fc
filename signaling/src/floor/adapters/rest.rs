//! The floor as REST sees it.

use futures_util::future::BoxFuture;
use protocol::ids::CallId;

use crate::app;
use crate::floor::FloorHandle;

impl app::Floor for FloorHandle {
    fn agents_on_duty(&self) -> u32 {
        FloorHandle::agents_on_duty(self)
    }

    fn wrapped_up(&self, call: CallId) -> BoxFuture<'_, ()> {
        Box::pin(FloorHandle::wrapped_up(self, call))
    }

    fn is_taking_calls(&self) -> bool {
        FloorHandle::is_taking_calls(self)
    }
}
