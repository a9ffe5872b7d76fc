//! The media server as the floor's media plane.

use futures_util::future::BoxFuture;
use sfu::{JoinError, JoinRequest, Joined, Mid, ParticipantId, RouteError, Sfu, Source, TapReceiver};

use crate::floor::ports::MediaPlane;

impl MediaPlane for Sfu {
    fn join(&self, who: ParticipantId, request: JoinRequest) -> BoxFuture<'_, Result<Joined, JoinError>> {
        Box::pin(Sfu::join(self, who, request))
    }

    fn leave(&self, who: ParticipantId) -> BoxFuture<'_, ()> {
        Box::pin(Sfu::leave(self, who))
    }

    fn attach(
        &self,
        from: ParticipantId,
        source: Source,
        to: ParticipantId,
        slot: Mid,
    ) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(Sfu::attach(self, from, source, to, slot))
    }

    fn detach(&self, to: ParticipantId, slot: Mid) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(Sfu::detach(self, to, slot))
    }

    fn link_data(&self, a: ParticipantId, b: ParticipantId) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(Sfu::link_data(self, a, b))
    }

    fn tap(
        &self,
        who: ParticipantId,
        source: Source,
        capacity: usize,
    ) -> BoxFuture<'_, Result<TapReceiver, RouteError>> {
        Box::pin(Sfu::tap(self, who, source, capacity))
    }
}
