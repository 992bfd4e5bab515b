//! What stands between the workspace and the mailing's arrival, looked at before the first letter.
//!
//! Sends nothing.

pub mod certificate;
pub mod check;
mod der;
pub mod dkim_key;
pub mod dmarc;
pub mod domains;
pub mod machine;
pub mod names;
pub mod note;
pub mod relay;
pub mod resolver;
pub mod spf;
pub mod spf_record;
mod tag_list;
