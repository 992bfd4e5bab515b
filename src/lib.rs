//! Lists become letters, letters become messages, a person confirms, the relay accepts, the ledger
//! remembers.

pub mod address;
pub mod id;
pub mod language;
pub mod limits;
pub mod problem;
pub mod response;
pub mod secret;
pub mod time;

pub mod recipients;

pub mod letter;

pub mod message;

pub mod transport;

pub mod ledger;
// The shell: the folder on disk, and what its configuration says.
pub mod owner_only;
pub mod workspace;

pub mod config;
