//! The dashboard for Grafana asks for counters that are there, by labels that they have, and for each of them once at least.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What whoever gathers the counters adds to each.
const ADDED: [&str; 2] = ["instance", "job"];

/// The table of the counters in the documentation: each with its labels.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let rows =
        include_str!("../src/observe/mod.rs").lines().filter_map(|line| line.strip_prefix("//! | `countersign_"));
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (format!("countersign_{}", cells[0].trim().trim_end_matches('`')), quoted(cells[2]))
    })
    .collect()
}

/// Each counter that a query names, with the labels by which it does.
fn asked(query: &str) -> Vec<(String, BTreeSet<String>)> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let labels = |list: &str| -> Vec<String> {
        let pairs = list.split(',').map(|pair| pair.trim().trim_end_matches(|letter| !is_word(letter)));
        pairs.map(|pair| pair.split(|letter| !is_word(letter)).next().unwrap_or_default().to_owned()).collect()
    };
    // Whatever stands behind `by` is a label of each counter in the query.
    let grouped = query.split("by (").skip(1).flat_map(|rest| labels(rest.split(')').next().unwrap_or_default()));
    let grouped: Vec<String> = grouped.collect();
    let named = query.match_indices("countersign_").map(|(at, _)| {
        let rest = &query[at..];
        let name: String = rest.chars().take_while(|letter| is_word(*letter)).collect();
        let matched =
            rest[name.len()..].strip_prefix('{').map(|rest| labels(rest.split('}').next().unwrap_or_default()));
        (name, grouped.iter().cloned().chain(matched.into_iter().flatten()).collect())
    });
    named.collect()
}

#[test]
fn the_dashboard_shows_each_counter_by_labels_that_it_has() {
    let dashboard: Value = serde_json::from_str(include_str!("../src/observe/dashboard.json")).unwrap();
    let documented = documented();
    assert!(documented.len() > 10, "{documented:?}");
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let asked = asked(query);
            assert!(!asked.is_empty(), "{query}");
            for (name, labels) in asked {
                let known = documented.get(&name).unwrap_or_else(|| panic!("nothing counts {name}, as in {query}"));
                for label in labels.iter().filter(|label| !ADDED.contains(&label.as_str())) {
                    assert!(known.contains(label), "{name} has no label {label:?}, as in {query}");
                }
                let in_legend = target["legendFormat"].as_str().unwrap().split("{{").skip(1);
                for label in in_legend.filter_map(|rest| rest.split("}}").next()) {
                    assert!(labels.contains(label), "{query} drops the label {label:?}");
                }
                shown.insert(name);
            }
        }
    }
    assert_eq!(shown, documented.into_keys().collect());
}

#[test]
fn what_a_query_names_is_found() {
    let labels = |list: &[&str]| list.iter().map(|label| (*label).to_owned()).collect::<BTreeSet<_>>();
    for (query, expected) in [
        ("countersign_queued", vec![("countersign_queued", labels(&[]))]),
        (
            r#"sum by (a, b) (rate(countersign_x_total{job=~"$job", c="d"}[5m])) / sum(countersign_y)"#,
            vec![("countersign_x_total", labels(&["a", "b", "c", "job"])), ("countersign_y", labels(&["a", "b"]))],
        ),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(name, labels)| (name.to_owned(), labels)).collect();
        assert_eq!(asked(query), expected, "{query}");
    }
}
