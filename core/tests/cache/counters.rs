//! What is counted, and under which names.

use super::*;

/// Records counters and gauges by name and labels.
#[derive(Default)]
struct Ledger {
    counters: Mutex<HashMap<String, Arc<AtomicU64>>>,
}

impl Ledger {
    fn of(&self, key: &metrics::Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = [&[key.name().to_owned()], labels.as_slice()].concat().join(" ");
        self.counters.lock().unwrap().entry(name).or_default().clone()
    }
}

impl metrics::Recorder for Ledger {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        metrics::Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::noop()
    }
}

#[test]
fn what_happens_is_counted_under_names_that_no_request_chooses() {
    let ledger = Ledger::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&ledger, || {
        runtime.block_on(async {
            let cache = CredentialCache::default();
            let gate = gate_of(&cache, &Arc::default(), |name| match name {
                "emily" => named(name),
                _ => Answer::Refused,
            });
            for token in ["emily", "emily", "wrong", "wrong", "other"] {
                let _ = verdict(&gate, bearer(token)).await;
            }
            for guess in 0..100 {
                let _ = verdict(&gate, bearer(&format!("guess{guess}"))).await;
            }
            cache.revoke(Handle::subject("emily"));
        });
    });
    let counters = ledger.counters.into_inner().unwrap();
    let mut counted: Vec<_> =
        counters.iter().map(|(name, count)| (name.as_str(), count.load(Ordering::Relaxed))).collect();
    counted.retain(|(name, _)| name.ends_with("_total") || name.contains('='));
    counted.sort_unstable();
    let expected = [
        ("countersign_admissions_total", 2),
        ("countersign_cache_hits_total", 1),
        ("countersign_cache_misses_total", 103),
        ("countersign_cache_refusal_hits_total", 1),
        ("countersign_cache_revocations_total", 1),
        ("countersign_rejections_total reason=bad_credential", 103),
        ("countersign_verifications_total scheme=bearer", 103),
    ];
    assert_eq!(counted, expected);
}
