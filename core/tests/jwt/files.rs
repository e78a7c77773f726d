//! Keys in the files that openssl writes, in every form that people hand over, and what is said of those that hold none.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{
    jose::{JwtAlgorithm, JwtKey, JwtSetupError, JwtSigner},
    verifier::jwt::JwtVerifier,
};
use serde_json::Value;

use crate::workshop::*;

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("countersign-files-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Runs openssl with these words, and returns what it prints.
    fn openssl(&self, words: &str) -> String {
        let output = Command::new("openssl").args(words.split(' ')).current_dir(&self.0).output().unwrap();
        assert!(output.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn keep(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn made(&self, name: &str, words: &str) -> String {
        let text = self.openssl(words);
        self.keep(name, &text);
        text
    }

    /// The certificate that a key signs for itself.
    fn certificate(&self, key: &str) -> String {
        self.openssl(&format!("req -x509 -key {key} -subj /CN=people -days 1"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether the two are the halves of one pair.
fn are_a_pair(signer: &JwtSigner, key: JwtKey) -> bool {
    accepts(&verifier([key]), &signer.sign(&good_claims()).unwrap())
}

fn of(signer: &JwtSigner) -> JwtVerifier<Value> {
    at_now(JwtVerifier::trusting(signer.trusted(ISSUER).audience("people"))).principal().unwrap()
}

const RSA: &str = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048";
const PSS: &str = "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048";

#[test]
fn every_form_of_a_key_is_read() {
    let folder = Folder::new();
    let rows = [
        (RSA.to_owned(), JwtAlgorithm::Rs256),
        (PSS.to_owned(), JwtAlgorithm::Ps256),
        (format!("{PSS} -pkeyopt rsa_pss_keygen_md:sha512"), JwtAlgorithm::Ps512),
        ("ecparam -name prime256v1 -genkey".into(), JwtAlgorithm::Es256),
        ("ecparam -name secp384r1 -genkey -noout".into(), JwtAlgorithm::Es384),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256".into(), JwtAlgorithm::Es256),
        ("genpkey -algorithm ed25519".into(), JwtAlgorithm::EdDsa),
    ];
    for (words, algorithm) in rows {
        let first = folder.made("key.pem", &words);
        let mut private = vec![first, folder.openssl("pkey -in key.pem"), folder.openssl("pkey -in key.pem -text")];
        let mut public =
            vec![folder.openssl("pkey -in key.pem -pubout"), folder.openssl("pkey -in key.pem -pubout -text")];
        public.push(folder.certificate("key.pem"));
        folder.keep("cert.pem", public.last().unwrap());
        public.push(folder.openssl("x509 -in cert.pem -text"));
        public.push(folder.openssl("x509 -in cert.pem -trustout -addtrust serverAuth"));
        match algorithm {
            JwtAlgorithm::Rs256 => {
                private.push(folder.openssl("rsa -in key.pem -traditional"));
                public.push(folder.openssl("rsa -in key.pem -RSAPublicKey_out"));
            }
            JwtAlgorithm::Es256 | JwtAlgorithm::Es384 => {
                private.push(folder.openssl("ec -in key.pem"));
                private.push(folder.openssl("ec -in key.pem -conv_form compressed"));
            }
            _ => {}
        }
        let signers: Vec<_> = private.iter().map(|text| JwtSigner::pem(text).unwrap()).collect();
        for signer in &signers {
            assert_eq!(signer.key().algorithm(), algorithm, "{words}");
            assert_eq!(signer.key().thumbprint(), signers[0].key().thumbprint(), "{words}");
        }
        for text in &public {
            assert!(are_a_pair(&signers[0], JwtKey::pem(algorithm, text).unwrap()), "{words}: {text}");
        }
        // Behind a key each of them is the key itself, and there is no second one.
        for text in private.iter().chain(&public) {
            let signer = JwtSigner::pem(&format!("{}{text}", private[0])).unwrap();
            assert_eq!(signer.jwks_json(), signers[0].jwks_json(), "{words}: {text}");
        }
    }
}

#[test]
fn older_keys_stand_behind_the_newest_in_every_form() {
    let folder = Folder::new();
    let newest = folder.openssl("genpkey -algorithm ed25519");
    let old = folder.made("old.pem", RSA);
    let token = JwtSigner::pem(&old).unwrap().sign(&good_claims()).unwrap();
    for form in [
        old.clone(),
        folder.openssl("pkey -in old.pem -pubout"),
        folder.openssl("rsa -in old.pem -RSAPublicKey_out"),
        folder.certificate("old.pem"),
    ] {
        let signer = JwtSigner::pem(&format!("{newest}{form}")).unwrap();
        assert_eq!(signer.key().algorithm(), JwtAlgorithm::EdDsa);
        let both = of(&signer);
        assert!(accepts(&both, &token) && accepts(&both, &signer.sign(&good_claims()).unwrap()), "{form}");
    }
    let alone = JwtSigner::pem(&newest).unwrap();
    assert!(!accepts(&of(&alone), &token));
}

#[test]
fn line_ends_may_be_lost_on_the_way() {
    let folder = Folder::new();
    let private = folder.made("key.pem", "ecparam -name prime256v1 -genkey");
    let public = folder.openssl("pkey -in key.pem -pubout");
    type Lose = fn(&str) -> String;
    let ways: [(&str, Lose); 9] = [
        ("as it is", str::to_owned),
        ("two characters", |pem| pem.replace('\n', "\\n")),
        ("two characters twice", |pem| pem.replace('\n', "\\r\\n")),
        ("in JSON in a string", |pem| pem.replace('\n', "\\\\n")),
        ("carriage returns", |pem| pem.replace('\n', "\r\n")),
        ("blanks", |pem| pem.replace('\n', " ")),
        ("nothing", |pem| pem.replace('\n', "")),
        ("indented, in quotes", |pem| format!("\"{}\"", pem.replace('\n', "\n    "))),
        ("behind a mark of byte order", |pem| format!("\u{feff}{pem}")),
    ];
    for (way, lost) in ways {
        let signer = JwtSigner::pem(&lost(&private)).unwrap_or_else(|error| panic!("{way}: {error}"));
        let key = JwtKey::pem(JwtAlgorithm::Es256, &lost(&public)).unwrap_or_else(|error| panic!("{way}: {error}"));
        assert!(are_a_pair(&signer, key), "{way}");
    }
    for (way, broken) in
        [("cut", public.replace("MF", "F")), ("x", public.replace("MF", "M!")), ("n", public.replace("MF", "MnF"))]
    {
        assert!(matches!(JwtKey::pem(JwtAlgorithm::Es256, &broken), Err(JwtSetupError::Pem { .. })), "{way}");
    }
}

#[test]
fn an_rsa_pss_key_is_for_pss_alone_and_for_its_hash_alone() {
    let folder = Folder::new();
    let any = folder.made("any.pem", PSS);
    let one = folder.made("one.pem", &format!("{PSS} -pkeyopt rsa_pss_keygen_md:sha384"));
    let sha1 = folder.made("sha1.pem", &format!("{PSS} -pkeyopt rsa_pss_keygen_md:sha1"));
    for (name, private, fitting) in [("any", any, "PS256 PS384 PS512"), ("one", one, "PS384"), ("sha1", sha1, "")] {
        let public = folder.openssl(&format!("pkey -in {name}.pem -pubout"));
        for algorithm in ALGORITHMS {
            let fits = fitting.contains(algorithm.name());
            let (signer, key) = (JwtSigner::pem_with(algorithm, &private), JwtKey::pem(algorithm, &public));
            assert_eq!((signer.is_ok(), key.is_ok()), (fits, fits), "{name} {algorithm}");
            if let (Ok(signer), Ok(key)) = (signer, key) {
                assert_eq!(signer.key().algorithm(), algorithm);
                assert!(are_a_pair(&signer, key), "{name} {algorithm}");
            }
        }
        assert_eq!(JwtSigner::pem(&private).is_ok(), !fitting.is_empty(), "{name}");
    }
}

#[test]
fn the_certificate_of_an_authority_signs_no_tokens() {
    let folder = Folder::new();
    folder.made("ca.pem", "genpkey -algorithm ed25519");
    folder.keep("ca.crt", &folder.openssl("req -x509 -key ca.pem -subj /CN=authority -days 1"));
    let key = folder.made("key.pem", "genpkey -algorithm ed25519");
    folder.keep("key.csr", &folder.openssl("req -new -key key.pem -subj /CN=people"));
    let leaf = folder.openssl("x509 -req -in key.csr -CA ca.crt -CAkey ca.pem -days 1");
    let authority = fs::read_to_string(folder.0.join("ca.crt")).unwrap();
    assert!(JwtSigner::pem(&format!("{key}{leaf}")).is_ok());
    let error = JwtSigner::pem(&format!("{key}{leaf}{authority}")).unwrap_err().to_string();
    assert!(error.contains("leave the chain out"), "{error}");
    let error = JwtKey::pem(JwtAlgorithm::EdDsa, &format!("{leaf}{authority}")).unwrap_err().to_string();
    assert!(error.contains("no chain"), "{error}");
    assert!(are_a_pair(&JwtSigner::pem(&key).unwrap(), JwtKey::pem(JwtAlgorithm::EdDsa, &leaf).unwrap()));
}

#[test]
fn whatever_else_it_is_the_error_says_and_its_command_makes_the_right_thing() {
    let folder = Folder::new();
    let rsa = folder.made("rsa.pem", RSA);
    folder.made("ec.pem", "ecparam -name prime256v1 -genkey -noout");
    let public = folder.openssl("pkey -in rsa.pem -pubout");
    // A verifier needs the public key, whatever it is given.
    for (algorithm, given) in [
        (JwtAlgorithm::Rs256, rsa.clone()),
        (JwtAlgorithm::Rs256, folder.openssl("rsa -in rsa.pem -traditional")),
        (JwtAlgorithm::Es256, folder.openssl("ec -in ec.pem")),
        (JwtAlgorithm::Rs256, folder.openssl("req -new -key rsa.pem -subj /CN=people")),
        (JwtAlgorithm::Es256, folder.openssl("ec -in ec.pem -pubout -conv_form compressed")),
    ] {
        let error = JwtKey::pem(algorithm, &given).unwrap_err();
        let made = follow(&folder, &error, &given);
        assert!(JwtKey::pem(algorithm, &made).is_ok(), "{error}: {made}");
    }
    // A signer needs the private one, not encrypted.
    folder.made("explicit.pem", "ecparam -name prime256v1 -genkey -noout -param_enc explicit");
    for given in [
        folder.openssl("pkey -in rsa.pem -aes256 -passout pass:x"),
        folder.openssl("rsa -in rsa.pem -traditional -aes256 -passout pass:x"),
        folder.openssl("ec -in explicit.pem"),
        folder.openssl("pkey -in explicit.pem"),
        folder.openssl("ecparam -name prime256v1"),
    ] {
        let error = JwtSigner::pem(&given).unwrap_err();
        let made = follow(&folder, &error, &given);
        assert!(JwtSigner::pem(&made).is_ok(), "{error}: {made}");
    }
    let secp = folder.openssl("ecparam -name secp256k1 -genkey");
    let p521 = folder.openssl("ecparam -name secp521r1 -genkey -noout");
    let small = folder.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    let says = |error: JwtSetupError, piece: &str| assert!(error.to_string().contains(piece), "{error} / {piece}");
    for (given, piece) in [
        (secp.as_str(), "secp256k1"),
        (&p521, "P-521"),
        (&folder.openssl("genpkey -algorithm ed448"), "Ed448"),
        (&folder.openssl("genpkey -algorithm x25519"), "not for signing"),
        (&small, "2048"),
        (&public, "in front"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----", "ssh-keygen -p"),
        ("/etc/people/key.pem", "name of a file"),
        ("", "empty"),
        ("MC4CAQAwBQYDK2VwBCIEIJ==", "BEGIN"),
    ] {
        says(JwtSigner::pem(given).unwrap_err(), piece);
    }
    for (algorithm, given, piece) in [
        (JwtAlgorithm::Es256, public.as_str(), "it is an RSA key"),
        (JwtAlgorithm::Hs256, &public, "it takes a secret"),
        (JwtAlgorithm::Rs256, "ssh-rsa AAAAB3NzaC1yc2E emily@example", "ssh-keygen -e"),
        (JwtAlgorithm::Rs256, "{\"kty\":\"RSA\"}", "JwtKey::jwk"),
        (JwtAlgorithm::Rs256, "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "ssh-keygen -i"),
        (JwtAlgorithm::Rs256, "-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----", "openssl pkcs7"),
        (JwtAlgorithm::Rs256, "-----BEGIN PGP MESSAGE-----\nAAAA\n-----END PGP MESSAGE-----", "a verifier takes"),
    ] {
        says(JwtKey::pem(algorithm, given).unwrap_err(), piece);
    }
}

/// Runs the command that an error names, on what was given.
fn follow(folder: &Folder, error: &JwtSetupError, given: &str) -> String {
    let said = error.to_string();
    let words = said.split_once("openssl ").unwrap_or_else(|| panic!("no command: {said}")).1;
    let words: Vec<_> = words.split(' ').take_while(|word| !["writes", "decrypts", "makes"].contains(word)).collect();
    folder.keep("given.pem", given);
    let words = words.join(" ").replace("-in …", "-in given.pem").replace("-out …", "-out made.pem");
    let passphrase = if said.contains("encrypted") { " -passin pass:x" } else { "" };
    let printed = folder.openssl(&format!("{words}{passphrase}"));
    if words.contains("-out") { fs::read_to_string(folder.0.join("made.pem")).unwrap() } else { printed }
}

#[test]
fn a_damaged_file_is_an_error_and_nothing_else() {
    let folder = Folder::new();
    let mut made =
        vec![folder.made("key.pem", "ecparam -name prime256v1 -genkey -noout"), folder.openssl("pkey -in key.pem")];
    made.extend([folder.openssl("pkey -in key.pem -pubout"), folder.certificate("key.pem")]);
    for text in made {
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('-')).collect();
        let (label, der) = (text.lines().next().unwrap(), STANDARD.decode(lines.concat()).unwrap());
        let label = label.trim_matches('-').trim_start_matches("BEGIN ");
        for at in 0..der.len() {
            for change in [0x01, 0x20, 0x80, 0xFF] {
                let mut other = der.clone();
                other[at] ^= change;
                let other = pem(label, &other);
                // What is read in spite of it is the same key, or one that is good by itself.
                let _ = (JwtSigner::pem(&other), JwtKey::pem(JwtAlgorithm::Es256, &other));
            }
            let cut = pem(label, &der[..at]);
            assert!(JwtSigner::pem(&cut).is_err() && JwtKey::pem(JwtAlgorithm::Es256, &cut).is_err(), "{label} {at}");
        }
    }
}
