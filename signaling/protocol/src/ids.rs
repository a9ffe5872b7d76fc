//! Identifiers, all UUIDv7 (sortable by time), written as plain strings in JSON.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
        #[ts(type = "string")]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later than every id made before it.
            #[allow(clippy::new_without_default, reason = "a default id would be a surprise")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Ok(Self(text.parse()?))
            }
        }
    };
}

id!(
    /// One request for help, from the tap to the ticket.
    CallId
);
id!(
    /// The lasting record of a call: context, outcome, notes, receipt, recording.
    TicketId
);
id!(
    /// What was recorded of one call.
    RecordingId
);
id!(
    /// A legal hold.
    HoldId
);
id!(
    /// The erasure of a buyer.
    ErasureId
);
id!(
    /// A member of staff.
    UserId
);
id!(
    /// A buyer's visit, from the tap on; it outlives reloads.
    BuyerSessionId
);
id!(
    /// One person in one call, the same across reloads.
    PartyId
);
id!(
    /// A search for recordings that somebody keeps.
    SavedFilterId
);
id!(
    /// A worklist of recordings to review.
    SampleId
);
id!(
    /// Evidence that a person chose to be recorded or not.
    ReceiptId
);
id!(
    /// A scorecard form, over all its versions.
    FormId
);
id!(
    /// A published version of a form, which never changes.
    FormVersionId
);
id!(
    /// One reviewer's review of one recording.
    ReviewId
);
id!(
    /// A second score that somebody asked for.
    SecondScoreId
);
id!(
    /// An agent's objection to a score.
    DisputeId
);
id!(
    /// A comment or bookmark on the timeline of a recording.
    CommentId
);
id!(
    /// One export of a recording.
    ExportId
);
