//! The blocks of a PEM text (RFC 7468 §2), told apart before one of them is read.

use super::JwtSetupError;

/// One block, with the lines around it.
pub(super) struct Block<'t> {
    pub(super) label: &'t str,
    pub(super) text: &'t str,
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// All blocks, in order. What stands between them is passed over.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, JwtSetupError> {
    let cut = JwtSetupError::Pem { why: "a block has no end" };
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once(BEGIN) {
        let (label, _) = behind.split_once(DASHES).ok_or(cut.clone())?;
        let end = format!("-----END {label}-----");
        let start = rest.len() - behind.len() - BEGIN.len();
        let stop = start + rest.get(start..).and_then(|block| block.find(&end)).ok_or(cut.clone())? + end.len();
        blocks.push(Block { label, text: rest.get(start..stop).unwrap_or_default() });
        rest = rest.get(stop..).unwrap_or_default();
    }
    if blocks.is_empty() { Err(JwtSetupError::Pem { why: "it holds no block" }) } else { Ok(blocks) }
}

/// The block of a text that holds one.
pub(super) fn only_block(text: &str) -> Result<Block<'_>, JwtSetupError> {
    let mut blocks = blocks(text)?.into_iter();
    match (blocks.next(), blocks.next()) {
        (Some(block), None) => Ok(block),
        _ => Err(JwtSetupError::Pem { why: "one block is wanted" }),
    }
}
