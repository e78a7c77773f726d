//! Public keys of curves, as the parameters of a JSON Web Key (RFC 7518 §6.2, RFC 8037 §2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, OctetKeyPairParameters,
    OctetKeyPairType,
};

/// From an uncompressed point (SEC 1 §2.3.3).
pub(super) fn ec_parameters(point: &[u8]) -> Option<AlgorithmParameters> {
    let (tag, coordinates) = point.split_first()?;
    let curve = match coordinates.len() {
        64 => EllipticCurve::P256,
        96 => EllipticCurve::P384,
        _ => return None,
    };
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let key_type = EllipticCurveKeyType::EC;
    (*tag == 4).then_some(AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters { key_type, curve, x, y }))
}

pub(super) fn ed_parameters(public: &[u8]) -> AlgorithmParameters {
    AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
        key_type: OctetKeyPairType::OctetKeyPair,
        curve: EllipticCurve::Ed25519,
        x: URL_SAFE_NO_PAD.encode(public),
    })
}
