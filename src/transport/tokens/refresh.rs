//! Renews: a refresh token in, an access token out.
//!
//! # Standards
//! RFC 6749 6, and 10.4: a provider may give another refresh token each time, and the one used is
//! void then.

use super::answer::{self, Granted};
use super::{Client, NoToken, http};
use crate::secret::Secret;

/// Renews once.
pub(super) fn refresh(client: &Client, refresh: &Secret) -> Result<Granted, NoToken> {
    let mut fields = client.fields();
    fields.extend([
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.reveal()),
        ("scope", client.provider.scope),
    ]);
    let (status, body) = http::post(&client.provider.token, &fields, client.provider.name)?;
    answer::granted(status, &body, client.provider.name).map_err(|denied| {
        let denied = denied.masked(&[refresh]);
        denied.explained(client.provider.name)
    })
}
