//! The signatures of a request, read: [`MessageCredential`].

use std::fmt;

use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};

use super::base::Base;
use crate::{
    credential::{Covered, Occurrences},
    observe::why::OrSay,
    request::{Field, RequestView, field},
};

/// All signatures of a request, each by the name of its key.
pub struct MessageCredential {
    pub(super) signatures: Vec<Signature>,
}

/// One of them.
pub(super) struct Signature {
    pub(super) key: String,
    /// What it is, if all about it but itself is in order. What is wrong with one counts only if its key is known.
    pub(super) candidate: Option<Candidate>,
}

/// A signature that is in order, and not verified.
#[derive(Clone)]
pub(in super::super) struct Candidate {
    pub(in super::super) key: String,
    pub(in super::super) label: String,
    pub(in super::super) algorithm: Option<String>,
    pub(in super::super) created: Option<u64>,
    pub(in super::super) expires: Option<u64>,
    pub(in super::super) nonce: Option<String>,
    pub(in super::super) tag: Option<String>,
    pub(in super::super) base: Base,
    pub(in super::super) signature: Vec<u8>,
    /// `Content-Digest`, as it came.
    pub(in super::super) content_digest: Option<Vec<u8>>,
}

/// Reports the lines of both fields as one credential, however many there are (RFC 9651 §4.2).
pub(in super::super) fn in_several_lines<'h>(request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
    for (nth, line) in request.fields(&field::SIGNATURE_INPUT).enumerate() {
        occurrences.add_part(nth * 2, line);
    }
    for (nth, line) in request.fields(&field::SIGNATURE).enumerate() {
        occurrences.add_part(nth * 2 + 1, line);
    }
}

impl MessageCredential {
    /// What was sent; `None` if it is malformed. `admits` says whether a signature may count, if it is right.
    pub(in super::super) fn read(covered: &Covered, admits: impl Fn(&Candidate) -> bool) -> Option<Self> {
        let of_field = |field: &Field| -> Option<Dictionary> {
            let lines = joined(covered, field).or_say_so(|| format!("the field {:?} is missing", field.name()))?;
            Parser::new(&lines).parse().ok().or_say_so(|| format!("the field {:?} is malformed", field.name()))
        };
        let (inputs, signatures) = (of_field(&field::SIGNATURE_INPUT)?, of_field(&field::SIGNATURE)?);
        let of_input = |(label, input): (&sfv::Key, &ListEntry)| {
            let ListEntry::InnerList(member) = input else { return None };
            let key = text(member, "keyid")??;
            let signature = signatures.get(label.as_str());
            let candidate =
                signature.and_then(|signature| Candidate::of(label.as_str(), &key, member, signature, covered));
            Some(Signature { key, candidate: candidate.filter(&admits) })
        };
        Some(Self { signatures: inputs.iter().filter_map(of_input).collect() })
    }

    /// Those that are in order.
    pub(in super::super) fn into_candidates(self) -> impl Iterator<Item = Candidate> {
        self.signatures.into_iter().filter_map(|signature| signature.candidate)
    }
}

impl Candidate {
    fn of(label: &str, key: &str, member: &InnerList, signature: &ListEntry, covered: &Covered) -> Option<Self> {
        let ListEntry::Item(sfv::Item { bare_item: BareItem::ByteSequence(signature), .. }) = signature else {
            return None;
        };
        Some(Self {
            key: key.to_owned(),
            label: label.to_owned(),
            algorithm: text(member, "alg")?,
            created: time(member, "created")?,
            expires: time(member, "expires")?,
            nonce: text(member, "nonce")?,
            tag: text(member, "tag")?,
            base: Base::of(member, covered)
                .or_say("it covers something twice, that is not there, or that is not understood")?,
            signature: signature.clone(),
            content_digest: joined(covered, &field::CONTENT_DIGEST),
        })
    }
}

/// All lines of a field as one, if there are any.
pub(in super::super) fn joined(covered: &Covered, field: &Field) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = covered.field(field)?.collect();
    (!lines.is_empty()).then(|| lines.join(&b", "[..]))
}

/// A parameter that is a string, if it is there; `None` in place of it if it is something else.
fn text(member: &InnerList, name: &str) -> Option<Option<String>> {
    match member.params.get(name) {
        None => Some(None),
        Some(BareItem::String(text)) => Some(Some(text.as_str().to_owned())),
        Some(_) => None,
    }
}

fn time(member: &InnerList, name: &str) -> Option<Option<u64>> {
    match member.params.get(name) {
        None => Some(None),
        Some(BareItem::Integer(seconds)) => Some(Some(u64::try_from(i64::from(*seconds)).ok()?)),
        Some(_) => None,
    }
}

impl fmt::Debug for MessageCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageCredential(..)")
    }
}
