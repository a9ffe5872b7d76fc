//! The tables, one file each. Times are microseconds since 1970-01-01 UTC; enumerations are stored by their
//! names in the wire protocol; contexts are JSON text. No column needs one particular database.
#![allow(unreachable_pub, reason = "the derive macros ask for `pub`")]

pub mod api_key;
pub mod audit_entry;
pub mod buyer_session;
pub mod call;
pub mod call_event;
pub mod call_flag;
pub mod call_subject;
pub mod chat_line;
pub mod counter;
pub mod default_filter;
pub mod dispute;
pub mod erasure;
pub mod export;
pub mod hold;
pub mod quality_chunk;
pub mod rating;
pub mod receipt;
pub mod recording;
pub mod recording_pause;
pub mod review;
pub mod review_form;
pub mod review_form_version;
pub mod review_revision;
pub mod sample;
pub mod sample_item;
pub mod saved_filter;
pub mod second_score;
pub mod staff_receipt;
pub mod staff_session;
pub mod subject_alias;
pub mod ticket;
pub mod timeline_comment;
pub mod used_token;
pub mod user;
