//! Asks the name service what a rule wants to know.
//!
//! The only place that speaks DNS. Answers are not validated (DNSSEC): a receiving server will not
//! see others.
//!
//! # Failure
//! Trouble of the name service is an answer too ([`Answer::Failed`]): a rule says what it means.

use super::names::{Answer, Asked, Kind, Known, Question};
use crate::limits::{DNS_ATTEMPTS, DNS_QUESTIONS_MAX, DNS_TIME_MAX, DNS_TIMEOUT};
use crate::time::Steady;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::{IpAddr, SocketAddr};

/// Speaks to name servers.
pub struct Resolver {
    resolver: TokioResolver,
    since: Steady,
}

impl Resolver {
    /// One that asks the computer's own name servers, or `server`.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn new(server: Option<SocketAddr>) -> Result<Resolver, String> {
        let builder = match server {
            None => TokioResolver::builder_tokio().map_err(|error| error.to_string())?,
            Some(at) => {
                let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                connections.iter_mut().for_each(|connection| connection.port = at.port());
                let server = NameServerConfig::new(at.ip(), true, connections.to_vec());
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let mut builder = builder;
        let options = builder.options_mut();
        options.timeout = DNS_TIMEOUT;
        options.attempts = DNS_ATTEMPTS;
        options.edns0 = true;
        // What this computer has written down for itself, no receiving server knows.
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = builder.build().map_err(|error| error.to_string())?;
        Ok(Resolver { resolver, since: Steady::now() })
    }

    /// Runs a rule, asking whatever it wants to know, to its end.
    ///
    /// # Errors
    /// How often it asked, where that is beyond any reason.
    pub async fn settle<T>(
        &self,
        known: &mut Known,
        rule: impl Fn(&Known) -> Asked<T>,
    ) -> Result<T, usize> {
        for _ in 0..DNS_QUESTIONS_MAX {
            match rule(known) {
                Ok(done) => return Ok(done),
                Err(question) => {
                    let answer = self.ask_in_time(&question).await;
                    known.learn(question, answer);
                }
            }
        }
        Err(DNS_QUESTIONS_MAX)
    }

    /// Whatever is asked after [`DNS_TIME_MAX`] is a question without an answer, so that offline no
    /// rule waits for each of its questions.
    async fn ask_in_time(&self, question: &Question) -> Answer {
        let left = DNS_TIME_MAX.saturating_sub(self.since.elapsed());
        let none = || Answer::Failed("no answer in time".to_owned());
        tokio::time::timeout(left, self.ask(question)).await.unwrap_or_else(|_| none())
    }

    async fn ask(&self, question: &Question) -> Answer {
        // Absolute: no search list of this computer is tried behind it.
        let Ok(mut name) = Name::from_ascii(&question.name) else { return Answer::NoSuchName };
        name.set_fqdn(true);
        match question.kind {
            Kind::Texts => {
                let found = self.look_up(name, RecordType::TXT).await;
                gathered(found, Answer::Texts, |data| match data {
                    RData::TXT(txt) => Some(joined(&txt.txt_data)),
                    _ => None,
                })
            }
            Kind::Exchangers => {
                let found = self.look_up(name, RecordType::MX).await;
                let by_preference = |mut found: Vec<(u16, String)>| {
                    found.sort();
                    Answer::Exchangers(found)
                };
                gathered(found, by_preference, |data| match data {
                    RData::MX(mx) => Some((mx.preference, bare(&mx.exchange))),
                    _ => None,
                })
            }
            Kind::Addresses => self.addresses(name).await,
        }
    }

    async fn addresses(&self, name: Name) -> Answer {
        let (v4, v6) = tokio::join!(
            self.look_up(name.clone(), RecordType::A),
            self.look_up(name, RecordType::AAAA)
        );
        let address = |data: &RData| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        };
        let (v4, v6) =
            (gathered(v4, Answer::Addresses, address), gathered(v6, Answer::Addresses, address));
        match (v4, v6) {
            (Answer::Addresses(v4), Answer::Addresses(v6)) => Answer::Addresses([v4, v6].concat()),
            (Answer::Addresses(found), _) | (_, Answer::Addresses(found)) => {
                Answer::Addresses(found)
            }
            (failed @ Answer::Failed(_), _) | (_, failed @ Answer::Failed(_)) => failed,
            (neither, _) => neither,
        }
    }

    async fn look_up(&self, name: Name, kind: RecordType) -> Result<Vec<RData>, NetError> {
        let found = self.resolver.lookup(name, kind).await?;
        Ok(found.answers().iter().map(|record| record.data.clone()).collect())
    }
}

/// The answer made of records of one kind.
fn gathered<T>(
    found: Result<Vec<RData>, NetError>,
    answer: impl Fn(Vec<T>) -> Answer,
    one: impl Fn(&RData) -> Option<T>,
) -> Answer {
    match found {
        Ok(records) => match records.iter().filter_map(one).collect::<Vec<_>>() {
            none if none.is_empty() => Answer::Nothing,
            some => answer(some),
        },
        Err(error) if error.is_nx_domain() => Answer::NoSuchName,
        Err(error) if error.is_no_records_found() => Answer::Nothing,
        Err(error) => Answer::Failed(error.to_string()),
    }
}

/// A TXT is the join of its parts, without blanks between (RFC 7208 3.3, RFC 6376 3.6.2.2).
fn joined(parts: &[Box<[u8]>]) -> String {
    String::from_utf8_lossy(&parts.concat()).into_owned()
}

fn bare(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
