//! What stands between the workspace and the mailing's arrival, looked at before the first letter.
//!
//! Sends nothing.

pub mod check;
pub mod dkim_key;
pub mod dmarc;
pub mod domains;
pub mod names;
pub mod note;
pub mod resolver;
pub mod spf;
pub mod spf_record;
mod tag_list;
