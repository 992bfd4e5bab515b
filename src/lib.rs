//! Lists become letters, letters become messages, a person confirms, the relay accepts, the ledger
//! remembers.

pub mod address;
pub mod id;
pub mod limits;
pub mod problem;
pub mod response;
pub mod time;
