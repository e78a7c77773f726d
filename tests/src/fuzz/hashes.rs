//! Stored hashes, in PHC's form and in those of others: read or not, never a panic, and whoever is let in has the password that one of them is of.

use countersign::{
    Basic, Gate, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    store::{PasswordStore, StoredHash, StoredPassword},
    testing::PlainHead,
    verifier::{HashLimits, Passwords},
};

use crate::credentials::basic;

/// What Django, Werkzeug, passlib, bcrypt, PHP, Spring and we make of one password. Hashes that cost little.
pub(super) const SEEDS: &[&[u8]] = &[
    b"pbkdf2_sha256$1000$dwLvrJPxVWLpebeqgxfnKF$NdTf1gzVUUYa7HetL3O0MZbm9R6PiFP+cHraVlWgTtc=",
    b"pbkdf2_sha1$1000$wLA8UgGFzNYMurrOGhuBgh$Li55wpcrPlYvjQfo3ty5uTP9G84=",
    b"bcrypt_sha256$$2b$05$5xIZUx0uA2SxpL0sbJjQUuEJ7pLq7enpWjRaneXTg.r7zJ9JO/e2q",
    b"bcrypt$$2b$05$sfblRCwT.hqUxeyfkMe.FuRLOVbL..F7BSbzh.LmSO94OoaHegBpu",
    b"scrypt:1024:4:2$EwPMzWcQUhIiwyjR$62ced1ca69ef81b35fea19ffd0ebb69179cf6a329cd93ceeb8db44d42f61835c321b1e3979a62c13e07013b21f3ed802822a4740548c53d2ac8ce6dd356014a0",
    b"pbkdf2:sha256:1000$WBhyw4VuuqPvqDkS$8c908416de6cf0072bb10749d44de2bd891a927a01f516a5209850d995c673b2",
    b"pbkdf2:sha1:1000$H2L1KuZKYJCJSvUu$801e88bd3c5721cb54622ffb553b58e79410acf7",
    b"pbkdf2:sha512:1000$Lw8jX3LCTel4mavv$5c5cf9f146670bb4b718bde26b461d21ac6a8efd56007653354d1ef7c2259d83d9edb5d9949766c88ff130b62573ea5469f8d965d9d2ce616073572fec66d1c1",
    b"$pbkdf2$1000$j1GKkZKSEiKEMIZwbu3d.w$Fa61/YTrAUR221V7qx3p8CVK3hw",
    b"$pbkdf2-sha256$1000$8v6/N2bsPYeQshYCoDTGOA$a4wknsFqfptragzjy79gSCmrwrxb2yjFENVviOAtyqA",
    b"$pbkdf2-sha512$1000$QYgRAiCkVGqtNQZgjNFaiw$Jw7.YN4f3FX2s0/d3CqA.51C024UTWmx6bNJIgXS5QaTdMZ8cURPU36/DwSs.0AN52szLVKfzI/N/cN4GnlO1g",
    b"$scrypt$ln=10,r=8,p=1$0RpjrPUew5gTYmxt7X2vVQ$oNmkSZrR/k7ZaYXHS7Rkj85dWeGphCQK0LDP5lGwWeM",
    b"$argon2id$v=19$m=256,t=1,p=4$WMt5b20tRQihNGbs/d97Lw$meUHwk9skEisvxJNLegCsKZoij8GCy8LUaRmIHh75kI",
    b"{SSHA}9I68aZ+Sq6YloGeS2bn7usV4S1ifE6K0",
    b"{SSHA256}qr3VYAsFquww2AcvN/9ED0Bp9mFDugAWytXyqNWucRpBKAUAgHDO2Q==",
    b"{SSHA512}WZVldsMMpcm5C/aE2/+91TG/y3SgfRf4NrYWBbt7PRZC0UkvZy8EYH/1nc1U8XTGZqe/bKRHPkLE9gTe8m6JH7xXSillrNU6",
    b"{PBKDF2}1000$3ZuzFsL4H6N0bq0VgrBWyg$L225Znad.um8n14QCc.lYDAPqMo",
    b"{PBKDF2-SHA256}1000$XKu1FiJkzLm3NiakdC5FaA$1UKA/pcnl37Jj1ei24pgKhx7iES19.V50S50cbf6P5g",
    b"{PBKDF2-SHA512}1000$NgYgpBRiDMFYK.Vcq3WOkQ$dK1tBW5T1SpI82AtqQbKBE/nTkgjydIpQARMVnr5jb0QibbneQVCdiD0r0oGUKStCc5eSm8hEfUAYCkFy1XVBA",
    b"$2b$05$MibtW8qXkqMfcvtOjc6HDursqIg/vFmXCxK5VzsUE7f0.uqw/rdy.",
    b"$2a$05$VDfQE05OWaHPRv4SoN4j6egdSy8eNZJLw1YixHj2hN0uVAa4CcLtG",
    b"{bcrypt}$2a$05$PU3uqWMuCbvHJDx4Lb6hHuct8cfSWIVV0jlbT8//hl62RBm2/G44a",
    b"{pbkdf2}c736e5b064dd00d408e3ebf81fe55b2685a67cf83d3422ec1a3bf25a52093f9caa4789e6d6cfbb22",
    b"{pbkdf2@SpringSecurity_v5_8}343ea9704de0427580c7ffe1b5a32730c622e1b8d51bfefed2fec12a1d18e2645479431520f19a8eb04813276892970e",
    b"{ldap}{SSHA}uVD2kpWM5jicJLdWrLBnY/Wby/sw4J3kF3lqTA==",
];

/// The password that they are of.
const PASSWORD: &str = "pässwörd-emma";

#[derive(Debug)]
struct Row(String);

#[async_trait]
impl PasswordStore for Row {
    type Principal = ();

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<()>>, Unavailable> {
        Ok((name == "emma").then(|| StoredPassword::new(self.0.clone(), Verified::new(()))))
    }

    async fn hashes(&self, after: Option<&str>, _: usize) -> Result<Vec<StoredHash>, Unavailable> {
        Ok(after.is_none().then(|| StoredHash::new("emma", self.0.as_str())).into_iter().collect())
    }
}

pub(super) fn hashes(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let limits = HashLimits::default().memory_kib(1_024).passes(1).lanes(4).bcrypt_cost(5).pbkdf2_rounds(1_000);
    let passwords = || Passwords::in_store(Row(text.to_owned())).limits(limits).without_throttle();
    let (report, verdict) = RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let report = passwords().check().await.expect("a store that answers");
            if report.unreadable() + report.without_password() > 0 {
                return (report, None);
            }
            let gate = Gate::in_realm("people").accept(Basic, passwords()).build().expect("a gate that can be built");
            let head = PlainHead::get("/").with("authorization", basic("emma", PASSWORD)).received_by(&gate);
            let verdict = head.verdict_at(&gate).await;
            (report, Some(verdict))
        })
    });
    assert_eq!(report.listed(), 1);
    let is_in = matches!(verdict, Some(Verdict::Admitted(_)));
    // But for those that cost more than is allowed here, and are therefore not read.
    assert!(is_in || verdict.is_none() || !SEEDS.contains(&bytes), "{text:?} is of {PASSWORD:?}");
    match verdict {
        None => {}
        Some(Verdict::Rejected(rejection)) => assert_eq!(rejection.status(), 401, "{text:?} can be read"),
        Some(Verdict::Anonymous) => panic!("nobody is let in as nobody"),
        Some(Verdict::Admitted(_)) => {
            // The last bits of base64 may be spare.
            let text = text.trim_end_matches('=');
            let tail = text.len().checked_sub(9).and_then(|at| text.get(at..text.len() - 1)).unwrap_or(text);
            let is_of = |seed: &&[u8]| String::from_utf8_lossy(seed).to_lowercase().contains(&tail.to_lowercase());
            assert!(SEEDS.iter().any(is_of), "{text:?} is of another password");
        }
    }
}
