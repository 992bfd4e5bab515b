//! Signs a person in on another device: a code to type there, then tokens.
//!
//! For computers without a browser, and for offices whose rules do not let a browser come back to a
//! program.
//!
//! # Standards
//! RFC 8628 3.1 to 3.5.
//!
//! # Failure
//! [`NoToken`].

use super::answer::{self, Denied, Granted};
use super::{Client, NoToken, http};
use crate::limits::{DEVICE_CODE_INTERVAL, DEVICE_CODE_SLOWER_BY, SIGN_IN_TIMEOUT};
use crate::secret::Secret;
use crate::time::Steady;
use serde_json::Value;
use std::time::Duration;

/// A code that waits for its person.
pub struct Pairing {
    client: Client,
    device_code: Secret,
    /// What the person types.
    pub code: String,
    /// Where.
    pub address: String,
    /// How long the code is good.
    pub good_for: Duration,
    interval: Duration,
}

impl Pairing {
    /// Asks for a code.
    ///
    /// # Errors
    /// [`NoToken`] when the provider gives none.
    pub fn begin(client: Client) -> Result<Pairing, NoToken> {
        let who = client.provider.name;
        let endpoint = client.provider.device.clone().ok_or_else(|| {
            NoToken::Refused(format!("{who} gives no codes for programs that write mail"))
        })?;
        let mut fields = client.fields();
        fields.push(("scope", client.provider.scope));
        let (status, body) = http::post(&endpoint, &fields, who)?;
        read(client, status, &body)
    }

    /// Waits until the code was typed and the person signed in.
    ///
    /// # Errors
    /// [`NoToken`] when it was not typed in time, the person declined, or the provider refused.
    pub fn wait(mut self) -> Result<Granted, NoToken> {
        let begun = Steady::now();
        let who = self.client.provider.name;
        while begun.elapsed() < self.good_for {
            std::thread::sleep(self.interval);
            match self.look() {
                Ok(granted) => return Ok(granted),
                Err(Look::Failed(error)) => return Err(error),
                Err(Look::Denied(denied)) => match denied.error.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => self.interval += DEVICE_CODE_SLOWER_BY,
                    _ => return Err(denied.masked(&[&self.device_code]).explained(who)),
                },
            }
        }
        Err(NoToken::SignInAgain("the code was not typed in time".to_owned()))
    }

    /// RFC 8628 3.4.
    fn look(&self) -> Result<Granted, Look> {
        let mut fields = self.client.fields();
        fields.extend([
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", self.device_code.reveal()),
        ]);
        let who = self.client.provider.name;
        let posted = http::post(&self.client.provider.token, &fields, who);
        let (status, body) = posted.map_err(Look::Failed)?;
        answer::granted(status, &body, who).map_err(Look::Denied)
    }
}

/// Why a look brought no tokens.
enum Look {
    Denied(Denied),
    Failed(NoToken),
}

/// Reads the answer of the device endpoint (RFC 8628 3.2).
fn read(client: Client, status: u16, body: &[u8]) -> Result<Pairing, NoToken> {
    let who = client.provider.name;
    let answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |key: &str| answer[key].as_str().filter(|text| is_plain(text));
    // Google's word for it is an older one.
    let address = text("verification_uri").or_else(|| text("verification_url"));
    let found = text("device_code").zip(text("user_code")).zip(address);
    let Some(((device_code, code), address)) = found.filter(|_| status == 200) else {
        let words = answer["error_description"].as_str().unwrap_or_default();
        let error = answer["error"].as_str().unwrap_or_default();
        return Err(Denied::of(status, error, words).explained(who));
    };
    let time = |key: &str, usual| answer::seconds(&answer[key]).unwrap_or(usual);
    Ok(Pairing {
        device_code: Secret::new(device_code.to_owned()),
        code: code.to_owned(),
        address: address.to_owned(),
        good_for: time("expires_in", SIGN_IN_TIMEOUT).min(SIGN_IN_TIMEOUT),
        interval: time("interval", DEVICE_CODE_INTERVAL)
            .clamp(Duration::from_secs(1), SIGN_IN_TIMEOUT),
        client,
    })
}

/// Whether a text can be shown on a terminal as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::super::Provider;
    use super::*;

    fn read_of(status: u16, body: &str) -> Result<Pairing, NoToken> {
        let provider = Provider::microsoft("organizations");
        let name = "ana@forum.example".to_owned();
        read(Client { provider, id: "id".to_owned(), secret: None, name }, status, body.as_bytes())
    }

    #[test]
    fn a_code_comes_with_its_address_and_its_times() {
        let whole = r#"{"device_code":"canary","user_code":"AB-12",
                        "verification_uri":"https://microsoft.com/devicelogin",
                        "expires_in":900,"interval":0}"#;
        let pairing = read_of(200, whole).unwrap();
        assert_eq!((pairing.code.as_str(), pairing.interval.as_secs()), ("AB-12", 1));
        let google = whole.replace("verification_uri", "verification_url");
        assert_eq!(read_of(200, &google).unwrap().address, "https://microsoft.com/devicelogin");
        let usual = whole.replace(",\"interval\":0", "").replace("\"expires_in\":900", "\"x\":1");
        let usual = read_of(200, &usual).unwrap();
        assert_eq!((usual.interval, usual.good_for), (DEVICE_CODE_INTERVAL, SIGN_IN_TIMEOUT));
        // One that would write over the terminal.
        assert!(read_of(200, &whole.replace("AB-12", "\\u001b[2J")).is_err());
        let refused = read_of(400, r#"{"error":"invalid_client"}"#).err().unwrap();
        assert!(matches!(refused, NoToken::Refused(_)));
    }

    #[test]
    fn google_gives_no_codes_for_mail() {
        let name = "ana@forum.example".to_owned();
        let client = Client { provider: Provider::google(), id: "id".into(), secret: None, name };
        let refused = Pairing::begin(client).err().unwrap();
        assert!(refused.to_string().starts_with("Google gives no codes"), "{refused}");
    }
}
