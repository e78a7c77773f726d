//! What happened so far: for admins as JSON, for Prometheus as text.

use std::{collections::BTreeMap, fmt::Write};

use countersign::{cache::CacheCounts, gate::Counts, verifier::remote::IssuerHealth};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Statistics<'c> {
    verifications: BTreeMap<&'c str, u64>,
    cache: Cache,
    rejections: u64,
}

#[derive(Serialize)]
struct Cache {
    hits: u64,
    misses: u64,
    entries: u64,
}

impl<'c> Statistics<'c> {
    pub(crate) fn of(gate: &'c Counts, cache: CacheCounts) -> Self {
        Self {
            verifications: gate.verifications.iter().map(|(scheme, calls)| (&**scheme, *calls)).collect(),
            cache: Cache { hits: cache.hits, misses: cache.misses, entries: cache.entries },
            rejections: gate.rejections,
        }
    }
}

/// The exposition format of Prometheus, version 0.0.4.
pub(crate) fn prometheus(
    gate: &Counts,
    cache: CacheCounts,
    issuers: &[IssuerHealth],
    in_touch: Option<bool>,
) -> String {
    let mut text = String::new();
    let verifications = gate.verifications.iter().map(|(scheme, calls)| (Some(("scheme", &**scheme)), *calls));
    family(&mut text, "countersign_verifications_total", "counter", "Calls of a verifier.", verifications);
    let rejections = gate.rejections_by_reason.iter().map(|(reason, count)| (Some(("reason", *reason)), *count));
    family(&mut text, "countersign_rejections_total", "counter", "Refused requests.", rejections);
    for (name, kind, help, count) in [
        ("countersign_cache_hits_total", "counter", "Requests whose credential was known to be good.", cache.hits),
        (
            "countersign_cache_refusal_hits_total",
            "counter",
            "Requests whose credential was known to be wrong.",
            cache.refusal_hits,
        ),
        ("countersign_cache_misses_total", "counter", "Requests whose credential was not known.", cache.misses),
        ("countersign_cache_revocations_total", "counter", "Revocations.", cache.revocations),
        ("countersign_cache_entries", "gauge", "Good answers in the cache, about.", cache.entries),
    ] {
        family(&mut text, name, kind, help, [(None, count)]);
    }
    if let Some(in_touch) = in_touch {
        let help = "Whether this copy hears what others revoke.";
        family(&mut text, "countersign_copies_in_touch", "gauge", help, [(None, in_touch.into())]);
    }
    if issuers.is_empty() {
        return text;
    }
    let of_each = |count: fn(&IssuerHealth) -> u64| {
        issuers.iter().map(move |issuer| (Some(("issuer", issuer.issuer.as_str())), count(issuer)))
    };
    let (keys, failures) = (of_each(|issuer| issuer.keys as u64), of_each(|issuer| issuer.failures.into()));
    family(&mut text, "countersign_issuer_keys", "gauge", "Keys of a trusted issuer that verify tokens.", keys);
    let help = "How often a trusted issuer could not be asked since it last could.";
    family(&mut text, "countersign_issuer_failures", "gauge", help, failures);
    text
}

fn family<'l>(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    samples: impl IntoIterator<Item = (Option<(&'l str, &'l str)>, u64)>,
) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (label, value) in samples {
        let _ = match label {
            Some((label, of)) => writeln!(text, "{name}{{{label}=\"{}\"}} {value}", escaped(of)),
            None => writeln!(text, "{name} {value}"),
        };
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = String::new();
        family(&mut text, "x_total", "counter", "X.", [(Some(("of", "a\\b\"c\nd")), 1)]);
        assert_eq!(text, "# HELP x_total X.\n# TYPE x_total counter\nx_total{of=\"a\\\\b\\\"c\\nd\"} 1\n");
    }
}
