//! The TypeScript of the protocol.

use ts_rs::{Config, TS};

use crate::{audit, call, ids, problem, rating, replay, rest, review, rights, ws};

/// All types of the protocol as one TypeScript module.
pub fn typescript() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from(
        "// Generated from signaling/protocol by `make protocol`. Do not edit: change the Rust types.\n\n",
    );
    out.push_str(&format!("export const PROTOCOL_VERSION = {};\n", ws::PROTOCOL_VERSION));
    macro_rules! declare {
        ($($t:ty),* $(,)?) => {$(
            out.push_str("\nexport ");
            out.push_str(<$t as TS>::decl(&config).trim_end());
            out.push('\n');
        )*};
    }
    declare!(
        ids::CallId,
        ids::TicketId,
        ids::RecordingId,
        ids::UserId,
        ids::BuyerSessionId,
        ids::PartyId,
        ids::ReceiptId,
        ids::FormId,
        ids::FormVersionId,
        ids::ReviewId,
        ids::SecondScoreId,
        ids::DisputeId,
        ids::CommentId,
        problem::Problem,
        call::Role,
        call::Side,
        call::Source,
        call::CallState,
        call::EndReason,
        call::RecordingState,
        call::Obstacle,
        call::PauseReason,
        call::RecordingPause,
        call::Product,
        call::Order,
        call::BuyerContext,
        call::QueueInfo,
        call::Party,
        call::CallView,
        call::TicketRef,
        call::ChatLine,
        call::QueuePlace,
        call::Ring,
        call::RingEnd,
        call::Availability,
        call::MonitorMode,
        call::Consult,
        call::ConsultAsk,
        call::LinkState,
        call::PartyLink,
        call::FloorView,
        call::Colleague,
        call::FloorCall,
        ws::ClientFrame,
        ws::ServerFrame,
        ws::ClientMessage,
        ws::ServerMessage,
        ws::Resume,
        ws::SourceLine,
        ws::ConsentChoice,
        ws::StaffWelcome,
        ws::SlotView,
        ws::SlotTrack,
        ws::SlotSize,
        ws::ClientStats,
        ws::EncodingWish,
        rating::Stars,
        rating::NewRating,
        rating::Rating,
        rating::RatingKept,
        rest::NewBuyerSession,
        rest::BuyerSession,
        rest::ConsentText,
        rest::Login,
        rights::Action,
        rights::UserRights,
        rights::RightsChanges,
        rest::Me,
        rest::Page<rest::Ticket>,
        rest::CallSummary,
        rest::Outcome,
        rest::WrapUp,
        rest::Ticket,
        rest::ConsentReceipt,
        rest::RecordingSummary,
        rest::PauseSpan,
        rest::Why,
        rest::Recording,
        rest::RecordedSide,
        rest::RecordingTrack,
        rest::ByteRange,
        rest::Fragment,
        rest::Turn,
        rest::QualityTimeline,
        rest::QualityPoint,
        rest::QualitySeen,
        review::Score,
        review::Person,
        review::FormContent,
        review::FormSection,
        review::FormQuestion,
        review::QuestionKind,
        review::ReviewForm,
        review::FormFlaw,
        review::FormVersion,
        review::FormVersionRef,
        review::NewForm,
        review::FormDraft,
        review::PublishForm,
        review::ArchiveForm,
        review::Answer,
        review::Answered,
        review::Answers,
        review::NewReview,
        review::DraftSaved,
        review::NewRevision,
        review::ReviewState,
        review::Scored,
        review::Revision,
        review::ReviewSummary,
        review::Review,
        review::ReviewRights,
        review::ReviewBoard,
        review::DisputeState,
        review::Dispute,
        review::DisputeRow,
        review::NewDispute,
        review::Reason,
        review::SecondScore,
        review::AskSecond,
        review::SampleSecond,
        review::Calibration,
        review::CalibrationScore,
        review::QuestionDifference,
        review::Agreement,
        review::CommentKind,
        review::TimelineComment,
        review::NewComment,
        review::ResolveComment,
        replay::ReplayTimeline,
        replay::ReplayTalk,
        replay::ReplayVoice,
        replay::ReplayPause,
        replay::ReplayGaps,
        replay::ReplayGap,
        replay::ReplayGapReason,
        replay::ReplayReceipt,
        replay::ReplayQuality,
        replay::ReplayChatLine,
        replay::ReplayEvent,
        replay::EventPerson,
        replay::CallEventKind,
        audit::AuditEvent,
        audit::AuditEntry,
        audit::AuditHead,
        audit::AuditReport,
        audit::AuditBreak,
        audit::Signed<audit::AuditHead>,
        audit::SigningKeyInfo,
    );
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// `UPDATE_PROTOCOL=1 cargo test -p vitrine-protocol` rewrites the file instead of comparing.
    #[test]
    fn the_web_client_has_the_types_of_this_server() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web-client/src/protocol.ts");
        let wanted = super::typescript();
        if std::env::var_os("UPDATE_PROTOCOL").is_some() {
            std::fs::write(&path, &wanted).expect("protocol.ts is writable");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{} is out of date: run `make protocol`", path.display());
    }
}
