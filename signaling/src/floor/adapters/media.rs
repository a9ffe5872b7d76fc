//! The media server as the floor's media plane.

use futures_util::future::BoxFuture;
use sfu::{JoinError, JoinRequest, Joined, Mid, ParticipantId, RouteError, Sfu, Source, TapReceiver, View};

use crate::floor::ports::MediaPlane;

impl MediaPlane for Sfu {
    fn join(&self, who: ParticipantId, request: JoinRequest) -> BoxFuture<'_, Result<Joined, JoinError>> {
        Box::pin(Sfu::join(self, who, request))
    }

    fn join_near(
        &self,
        who: ParticipantId,
        request: JoinRequest,
        near: Option<ParticipantId>,
    ) -> BoxFuture<'_, Result<Joined, JoinError>> {
        Box::pin(Sfu::join_near(self, who, request, near))
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

    fn pass_data(
        &self,
        from: ParticipantId,
        to: ParticipantId,
        on: bool,
    ) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(Sfu::pass_data(self, from, to, on))
    }

    fn set_publishing(
        &self,
        who: ParticipantId,
        source: Source,
        on: bool,
    ) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(Sfu::set_publishing(self, who, source, on))
    }

    fn set_view(&self, who: ParticipantId, slot: Mid, view: View) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(Sfu::set_view(self, who, slot, view))
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
