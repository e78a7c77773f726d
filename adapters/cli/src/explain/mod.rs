//! Saying what a text is: one file a kind of thing. What it holds is shown as far as it is no secret; what the library itself can judge,
//! it judges, and its `why` is told.

mod challenge;
mod cookie;
mod hash;
mod header;
mod judge;
mod key;
mod opaque;
mod parameters;
mod problem;
mod token;

use self::judge::Judge;
use crate::{arguments::ExplainArguments, fault::Fault, input, report::Report};

pub(crate) fn explain(wish: ExplainArguments) -> Result<Report, Fault> {
    let text = input::text(wish.text.as_deref(), wish.file.as_deref())?;
    let judge = Judge::new(wish)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Fault::new("there is nothing to explain"));
    }
    let report = match header::read(text) {
        Some(line) => header::explain(&line, &judge)?,
        None => thing(text, &judge)?,
    };
    judge.must_have_been_asked()?;
    Ok(report)
}

/// A thing by itself, as it stands in a file, or behind the keyword of a header line.
fn thing(text: &str, judge: &Judge) -> Result<Report, Fault> {
    let kinds = [key::pem, key::json, problem::explain, hash::explain];
    if let Some(report) = kinds.into_iter().find_map(|explain| explain(text, judge.algorithm())) {
        return report;
    }
    if let Some(report) = token::explain(text, judge) {
        return report;
    }
    if let Some(report) = cookie::explain(text, judge) {
        return report;
    }
    opaque::explain(text).ok_or_else(|| {
        Fault::new(
            "this is nothing that is known here: no token, cookie, hash, key ring, PEM, JWK, header line or refusal, or a damaged one",
        )
    })
}
