//! Finding recordings.
//!
//! | method and path | who | body → answer |
//! |---|---|---|
//! | `GET /recordings?<search>&zone=&limit=&before=` | who may see recordings | → `Page` of `RecordingSummary` |
//! | `GET /recordings/facets?<search>&zone=` | the same | → [`Facets`] |
//! | `PUT`, `DELETE /calls/{id}/flags/{flag}` | who may see the call | → 204 |
//!
//! A search is made of these fields, all of which may be left out; what is there must all be true, and of values
//! separated by commas one must be:
//!
//! | field | meaning |
//! |---|---|
//! | `q` | words, each found in the ticket's number, the agent's name, the product or the notes as the asker is shown them |
//! | `ticket` | start of the ticket's number, with or without the letter |
//! | `period` | `today`, `yesterday`, `last_7_days`, `last_30_days`, `this_week`, `last_week`, `this_month`, `last_month` |
//! | `from`, `to` | instead of it: dates (`to` is included) or RFC 3339 times (`to` is not) |
//! | `agent` | ids, or parts of names |
//! | `queue` | names of queues |
//! | `market` | countries of buyers, ISO 3166-1 alpha-2 |
//! | `language` | BCP 47; `de` finds `de-AT`, too |
//! | `product` | part of the product's name or SKU |
//! | `outcome` | codes |
//! | `csat_min`, `csat_max` | stars, 1–5; calls without a rating are not found |
//! | `score_min`, `score_max` | percent of a submitted score that the asker may see |
//! | `duration_min`, `duration_max` | seconds |
//! | `flag` | see [`Flag`]; all of them must be set; `legal_hold` is refused to those who may not place holds |
//! | `sort` | `newest` (default), `oldest`, `longest`, `shortest`, `lowest_csat`, `lowest_score` |
//!
//! `zone` is where days begin for the asker (`Europe/Vienna`, `+01:00`; default UTC). A field that cannot be used is named
//! in the problem's `field`.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Something to know about a call at first sight. New kinds are added here, in [`Flag::ALL`] and in `store::flags`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Somebody marked the call as a complaint.
    Complaint,
    /// The buyer left a comment with the rating.
    Comment,
    /// Nothing was stored of a stretch of it.
    Paused,
    /// A reviewer left a comment or a bookmark on its timeline.
    Noted,
    /// A legal hold keeps it, placed on itself or on its buyer. Only for those who may place holds: nobody else is shown
    /// it, or may search by it.
    LegalHold,
    /// The buyer took back their consent, and it cannot be deleted yet because a legal hold keeps it: until then only who
    /// may place holds opens it.
    Withheld,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 6] =
        [Self::Complaint, Self::Comment, Self::Paused, Self::Noted, Self::LegalHold, Self::Withheld];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Comment => "comment",
            Self::Paused => "paused",
            Self::Noted => "noted",
            Self::LegalHold => "legal_hold",
            Self::Withheld => "withheld",
        }
    }

    /// Whether people set it; the others follow from what happened.
    pub const fn is_set_by_people(self) -> bool {
        matches!(self, Self::Complaint)
    }
}

/// How many recordings a search finds, and what there is to choose from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct Facets {
    /// Recordings found; counting stops at 10,000.
    pub count: u32,
    /// There are more than that.
    pub more: bool,
    /// Agents by id. Each list counts what the search would find without its own field; the most frequent first, at
    /// most 200.
    pub agents: Vec<Facet>,
    /// Queues, with their titles.
    pub queues: Vec<Facet>,
    /// Countries.
    pub markets: Vec<Facet>,
    /// Languages.
    pub languages: Vec<Facet>,
    /// Outcomes.
    pub outcomes: Vec<Facet>,
    /// Flags.
    pub flags: Vec<Facet>,
}

/// A value that a field could have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Facet {
    /// What to write into the field.
    pub value: String,
    /// What people read, where it is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub label: Option<String>,
    /// How many recordings have it.
    pub count: u32,
}
