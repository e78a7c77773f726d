//! What is counted, and under which names, by the crate `metrics`: for whatever recorder the app installs, and for nobody without the feature
//! `metrics`.
//!
//! Labels are names that the app gave (schemes) or that never change (reasons): nothing that a client sent.

/// Counts one.
macro_rules! count {
    ($name:literal $(, $label:literal => $value:expr)* $(,)?) => {{
        #[cfg(feature = "metrics")]
        ::metrics::counter!($name $(, $label => $value)*).increment(1);
        #[cfg(not(feature = "metrics"))]
        let _ = ($name, $(&$value,)*);
    }};
}

/// Sets a gauge, or moves it by so much.
macro_rules! gauge {
    ($name:literal, $change:ident, $value:expr $(, $label:literal => $of:expr)* $(,)?) => {{
        #[cfg(feature = "metrics")]
        ::metrics::gauge!($name $(, $label => $of)*).$change($value);
        #[cfg(not(feature = "metrics"))]
        let _ = ($name, &$value, $(&$of,)*);
    }};
}

pub(crate) use {count, gauge};
