use super::{
    super::{cost::PasswordCost, judged::Judged},
    *,
};

/// As another library wrote them. Made once, with argon2-cffi 25.1, bcrypt 4.0 and passlib 1.7.4:
///
/// ```python
/// S = b"somesalt-16bytes"
/// argon2.low_level.hash_secret(password, S, time_cost=t, memory_cost=m, parallelism=p, hash_len=l, type=…, version=…)
/// bcrypt.hashpw(password, b"$2b$05$abcdefghijklmnopqrstuu")
/// passlib.hash.scrypt.using(rounds=10, block_size=8, parallelism=1, salt=S).hash(password)
/// passlib.hash.pbkdf2_sha256.using(rounds=1000, salt=S).hash(password)
/// hashlib.pbkdf2_hmac("sha256", password, S, 1000)    # by hand into PHC, and into Django's form
/// ```
const ARGON2: [(&str, &str, bool); 6] = [
    (
        "open sesame",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQtMTZieXRlcw$0pfJshWVK9qBlax1BjmZAAyRSFEBCP6c5xcLPGMuIpQ",
        false,
    ),
    (
        "pässwörd-emma",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQtMTZieXRlcw$xutQ6KeOYFFeRF2MVHxBLDFr9lu8/jCikqQRYv2qpBc",
        false,
    ),
    ("", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA", true),
    (
        "password",
        "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQtMTZieXRlcw$3arSOmfH2KDZ6cPtrbqehCs/hUbTkGoIbnopCwm1V7E",
        true,
    ),
    ("password", "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQtMTZieXRlcw$RH++O1jEheEuikfU5RV6HhACQWT/vJ2j", true),
    (
        "password",
        "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQtMTZieXRlcw$XwG3/WF3kvsYmNoGlo6fjR+dgKU2gJhgrgw5BewNuyE",
        true,
    ),
];

const LEGACY: [(&str, &str); 9] = [
    ("open sesame", "$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"),
    ("open sesame", "$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"),
    ("pässwörd-emma", "$2b$05$abcdefghijklmnopqrstuuzNTu0ktK0z.urNnd9DTrVKXVhUWHgyW"),
    ("", "$2b$05$abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m"),
    ("open sesame", "$scrypt$ln=10,r=8,p=1$c29tZXNhbHQtMTZieXRlcw$6iw/iPQCH3IHIJ+UYU+PcboVpJjKMf4xEGkpDbtjFs4"),
    ("open sesame", "$pbkdf2-sha256$1000$c29tZXNhbHQtMTZieXRlcw$QXyw82/1jOE74HTkY1NrfjuHOelCoKF0OXEElL6.IkM"),
    (
        "open sesame",
        "$pbkdf2-sha512$1000$c29tZXNhbHQtMTZieXRlcw$fVeD/8E/FF3HTpUzrhyGPR1RKGVUO524tsi7Bd5kxmPlhNhkLA7kScyAU09/voY/XEem9tkB.V/u54yJuppBGw",
    ),
    ("open sesame", "$pbkdf2-sha256$i=1000,l=32$c29tZXNhbHQtMTZieXRlcw$QXyw82/1jOE74HTkY1NrfjuHOelCoKF0OXEElL6+IkM"),
    ("open sesame", "pbkdf2_sha256$1000$djangosalt12$rXGYVUoEArKtxDE0veWOU9rcbX8wDhaDHlKOpQQVPkI="),
];

fn read(text: &str) -> Result<Stored, HashFault> {
    Stored::read(text, &HashLimits::default()).map(|stored| stored.expect("a password"))
}

fn matches(stored: &Stored, password: &str) -> bool {
    stored.judge(password.as_bytes(), &mut Vec::new()).unwrap().matches
}

fn opens_alone(password: &str, hash: &str) -> Stored {
    let stored = read(hash).unwrap_or_else(|why| panic!("{why}: {hash}"));
    assert!(matches(&stored, password), "{hash}");
    for other in [&format!("{password} "), "Open sesame", "open sesam"] {
        assert!(!matches(&stored, other), "{other:?} {hash}");
    }
    stored
}

#[test]
fn argon2_hashes_of_another_library_open_to_their_password_alone() {
    for (password, hash, outdated) in ARGON2 {
        let stored = opens_alone(password, hash);
        assert_eq!(stored.is_outdated(&PasswordCost::default()), outdated, "{hash}");
    }
}

#[test]
fn our_hashes_open_to_their_password_alone_and_have_a_salt_each() {
    let cost = PasswordCost::fast();
    let hash = cost.hash_in(b"open sesame", &mut Vec::new()).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=256,t=1,p=1$"), "{hash}");
    assert!(!opens_alone("open sesame", &hash).is_outdated(&cost));
    assert_ne!(cost.hash_in(b"open sesame", &mut Vec::new()).unwrap(), hash);
    let default = PasswordCost::default().hash_in(b"open sesame", &mut Vec::new()).unwrap();
    assert!(default.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{default}");
}

#[test]
fn memory_of_another_try_changes_nothing() {
    let mut memory = Vec::new();
    for (password, hash, _) in ARGON2.into_iter().chain(ARGON2) {
        let judged = read(hash).unwrap().judge(password.as_bytes(), &mut memory);
        assert_eq!(judged, Ok(Judged::at_a_cost(true)));
    }
}

#[test]
fn the_dummy_costs_what_a_new_hash_costs_and_opens_to_nothing() {
    // L4: the same parameters, algorithm, version and lengths.
    let cost = PasswordCost::fast();
    let hash = cost.hash_in(b"", &mut Vec::new()).unwrap();
    let (real, dummy) = (read(&hash).unwrap(), read(&cost.dummy().unwrap()).unwrap());
    let price = |stored: &Stored| match stored {
        Stored::Argon2 { params, algorithm, version, salt, hash, .. } => {
            Some((params.clone(), *algorithm, *version, salt.len(), hash.len()))
        }
        #[cfg(feature = "legacy-passwords")]
        Stored::Legacy(_) => None,
    };
    assert!(price(&real).is_some());
    assert_eq!(price(&real), price(&dummy));
    assert!(!matches(&dummy, ""));
    assert_eq!(cost.hash_in(b"", &mut Vec::new()).unwrap().len(), cost.dummy().unwrap().len());
}

#[test]
fn what_is_no_hash_or_costs_too_much_is_not_computed() {
    // L4, CVE-2019-11272 (null stored password).
    let tail = "$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA";
    let argon2 = |parameters: &str| format!("$argon2id$v=19${parameters}{tail}");
    for (hash, why) in [
        (argon2("m=262145,t=1,p=1"), HashFault::TooCostly),
        (argon2("m=4294967295,t=1,p=1"), HashFault::TooCostly),
        (argon2("m=64,t=11,p=1"), HashFault::TooCostly),
        (argon2("m=64,t=4294967295,p=1"), HashFault::TooCostly),
        (argon2("m=8192,t=1,p=17"), HashFault::TooCostly),
        (argon2("m=8192,t=1,p=4294967295"), HashFault::TooCostly),
        (argon2("m=4294967296,t=1,p=1"), HashFault::Malformed),
        (argon2("m=7,t=1,p=1"), HashFault::Malformed),
        (argon2("m=64,t=1,p=16"), HashFault::Malformed),
        (argon2("m=64,t=0,p=1"), HashFault::Malformed),
        (argon2("m=64,t=1"), HashFault::Malformed),
        ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQtMTZieXRlcw".into(), HashFault::Malformed),
        ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeM".into(), HashFault::Malformed),
        (format!("$argon2id$v=18$m=64,t=1,p=1{tail}"), HashFault::Unsupported),
        (format!("$argon3$v=19$m=64,t=1,p=1{tail}"), HashFault::Unsupported),
        (format!("$argon2id$v=19$m=64,t=1,p=1$c2FsdA{}", "$8F2lDrdgRB1NeGjbqeOSYA"), HashFault::Malformed),
        ("$argon2id$".into(), HashFault::Malformed),
        ("argon2id".into(), HashFault::Malformed),
        ("$6$somesalt$abc".into(), HashFault::Unsupported),
        ("$y$j9T$abc$def".into(), HashFault::Unsupported),
        ("{noop}open sesame".into(), HashFault::Unsupported),
        ("{MD5}X03MO1qnZdYdgyfeuILPmQ==".into(), HashFault::Unsupported),
        ("md5$salt$5f4dcc3b5aa765d61d8327deb882cf99".into(), HashFault::Unsupported),
        ("pbkdf2:md5:1000$salt$5f4dcc3b5aa765d61d8327deb882cf99".into(), HashFault::Unsupported),
        ("5f4dcc3b5aa765d61d8327deb882cf99".into(), HashFault::Malformed),
        ("$".into(), HashFault::Malformed),
        ("$$".into(), HashFault::Malformed),
        ("a b$c".into(), HashFault::Malformed),
        ("\u{feff}!".into(), HashFault::Malformed),
        ("null".into(), HashFault::Malformed),
        ("open sesame".into(), HashFault::Malformed),
    ] {
        assert_eq!(read(&hash).err(), Some(why), "{hash}");
    }
}

proptest::proptest! {
    #[test]
    fn no_row_takes_the_reader_down(kind in 0..KINDS.len(), rest in "[ -~]{0,90}|([0-9a-zA-Z+/.=]{0,24}[$:]?){0,6}") {
        let text = format!("{}{rest}", KINDS[kind]);
        let limits = HashLimits::default().memory_kib(u32::MAX).lanes(u32::MAX).bcrypt_cost(u32::MAX).pbkdf2_rounds(u32::MAX);
        let _ = (Stored::read(&text, &HashLimits::default()), Stored::read(&text, &limits));
    }
}

const KINDS: [&str; 16] = [
    "",
    "$",
    "$argon2id$",
    "$2b$05$",
    "$scrypt$ln=",
    "$pbkdf2-sha256$",
    "pbkdf2_sha256$",
    "scrypt$",
    "scrypt:",
    "pbkdf2:",
    "argon2$",
    "bcrypt_sha256$",
    "{pbkdf2}",
    "{scrypt}$",
    "{SSHA}",
    "{PBKDF2-SHA512}",
];

#[test]
fn what_says_that_there_is_no_password_is_none() {
    let good = ARGON2[0].1;
    let locked = [format!("!{good}"), format!("*{good}"), format!("{{CRYPT}}!{good}")];
    let rows = [
        "",
        " ",
        "\n",
        "\0",
        " \r\n\t\0",
        "!",
        "!!",
        "!abc",
        "*",
        "*LK*",
        "*0",
        "{CRYPT}*",
        "{crypt}!",
        "{crypt}",
        "!\n",
    ];
    for text in rows.into_iter().chain(locked.iter().map(String::as_str)) {
        assert!(matches!(Stored::read(text, &HashLimits::default()), Ok(None)), "{text:?}");
    }
}

#[test]
fn what_a_file_or_a_column_leaves_around_a_hash_is_not_of_it() {
    let (password, hash, _) = ARGON2[2];
    for around in ["\n", "\r\n", " ", "    ", "\0", "\0\0\0", "\t", " \n\0 \n"] {
        for text in [format!("{hash}{around}"), format!("{around}{hash}{around}")] {
            assert!(matches(&read(&text).unwrap(), password), "{text:?}");
        }
    }
    let (head, tail) = hash.split_at(40);
    for inside in ["\n", " ", "\0", "x$"] {
        assert!(read(&format!("{head}{inside}{tail}")).is_err(), "{inside:?}");
    }
}

#[test]
fn limits_are_inclusive_and_can_be_set() {
    let (_, hash, _) = ARGON2[1];
    for (limits, fits) in [
        (HashLimits::default().memory_kib(65_536).passes(3).lanes(4), true),
        (HashLimits::default().memory_kib(65_535), false),
        (HashLimits::default().passes(2), false),
        (HashLimits::default().lanes(3), false),
    ] {
        let read = Stored::read(hash, &limits);
        assert_eq!(matches!(read, Ok(Some(_))), fits, "{limits:?}");
    }
}

#[test]
fn a_cost_is_within_what_is_verified() {
    for ((memory, passes, lanes), fits) in [
        ((8, 1, 1), true),
        ((262_144, 10, 16), true),
        ((7, 1, 1), false),
        ((127, 1, 16), false),
        ((262_145, 1, 1), false),
        ((64, 0, 1), false),
        ((64, 11, 1), false),
        ((64, 1, 0), false),
        ((4096, 1, 17), false),
        ((u32::MAX, u32::MAX, u32::MAX), false),
    ] {
        assert_eq!(PasswordCost::new(memory, passes, lanes).is_some(), fits, "{memory} {passes} {lanes}");
    }
}

#[cfg(not(feature = "legacy-passwords"))]
#[test]
fn hashes_of_other_kinds_are_unsupported() {
    for (_, hash) in LEGACY {
        assert_eq!(read(hash).err(), Some(HashFault::Unsupported), "{hash}");
    }
}

#[cfg(feature = "legacy-passwords")]
#[test]
fn hashes_of_other_kinds_open_to_their_password_alone_and_are_outdated() {
    for (password, hash) in LEGACY {
        assert!(opens_alone(password, hash).is_outdated(&PasswordCost::fast()), "{hash}");
    }
}

#[cfg(feature = "legacy-passwords")]
#[test]
fn a_password_that_bcrypt_would_cut_is_refused() {
    // CVE-2025-22228: what follows the 72nd byte would open too.
    let full = "x".repeat(72);
    let stored = read("$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q").unwrap();
    for (password, opens) in
        [(full.clone(), true), (format!("{full}x"), false), (format!("{full}y"), false), (full[1..].into(), false)]
    {
        assert_eq!(matches(&stored, &password), opens, "{}", password.len());
    }
    let stored = read(LEGACY[0].1).unwrap();
    assert!(!matches(&stored, "open sesame\0"), "nor behind a NUL");
}

#[cfg(feature = "legacy-passwords")]
#[test]
fn hashes_of_other_kinds_have_limits_too() {
    // CVE-2022-22976: bcrypt's cost 31.
    let bcrypt = |prefix: &str| format!("{prefix}$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW");
    let scrypt = |parameters: &str| format!("$scrypt${parameters}$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA");
    let pbkdf2 =
        |parameters: &str| format!("$pbkdf2-sha256${parameters}$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA");
    let django = |parameters: &str| format!("scrypt${parameters}$8F2lDrdgRB1NeGjbqeOSYA==");
    let werkzeug = |method: &str| format!("{method}$salt$00112233445566778899aabbccddee1f");
    let spring = |parameters: &str| format!("{{scrypt}}${parameters}$c29tZXNhbHQ=$8F2lDrdgRB1NeGjbqeOSYA==");
    for (hash, why) in [
        (bcrypt("$2b$16"), Some(HashFault::TooCostly)),
        (bcrypt("$2b$31"), Some(HashFault::TooCostly)),
        (bcrypt("$2b$99"), Some(HashFault::TooCostly)),
        (bcrypt("$2b$15"), None),
        (bcrypt("$2b$03"), Some(HashFault::Malformed)),
        (bcrypt("$2b$5"), Some(HashFault::Malformed)),
        (bcrypt("$2x$05"), Some(HashFault::Unsupported)),
        (bcrypt("$2b$05").replace('W', ""), Some(HashFault::Malformed)),
        (bcrypt("$2b$05").replace("pqrs", "äö"), Some(HashFault::Malformed)),
        (scrypt("ln=18,r=8,p=1"), None),
        (scrypt("ln=19,r=8,p=1"), Some(HashFault::TooCostly)),
        (scrypt("ln=63,r=8,p=1"), Some(HashFault::TooCostly)),
        (scrypt("ln=64,r=8,p=1"), Some(HashFault::TooCostly)),
        (scrypt("ln=4294967295,r=8,p=1"), Some(HashFault::TooCostly)),
        (scrypt("ln=1,r=4294967295,p=1"), Some(HashFault::TooCostly)),
        (scrypt("ln=1,r=1,p=4294967295"), Some(HashFault::TooCostly)),
        (scrypt("ln=1,r=0,p=1"), Some(HashFault::Malformed)),
        (scrypt("ln=1,r=8"), Some(HashFault::Malformed)),
        (pbkdf2("i=2000000"), None),
        (pbkdf2("i=2000001"), Some(HashFault::TooCostly)),
        (pbkdf2("i=0"), Some(HashFault::Malformed)),
        (pbkdf2("2000001"), Some(HashFault::TooCostly)),
        (pbkdf2("0"), Some(HashFault::Malformed)),
        (pbkdf2("-1"), Some(HashFault::Malformed)),
        (pbkdf2("1000$x"), Some(HashFault::Malformed)),
        ("pbkdf2_sha256$1000$salt$".into(), Some(HashFault::Malformed)),
        (bcrypt("$2b$+5"), Some(HashFault::Malformed)),
        // Bits that base64 leaves over: of the salt, of the hash.
        (bcrypt("$2b$05").replace("stuup", "stuvp"), Some(HashFault::Malformed)),
        (bcrypt("$2b$05").replace("wCW", "wCX"), Some(HashFault::Malformed)),
        (bcrypt("{bcrypt}$2b$16"), Some(HashFault::TooCostly)),
        (bcrypt("bcrypt_sha256$$2b$16"), Some(HashFault::TooCostly)),
        (
            "argon2$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA".into(),
            Some(HashFault::TooCostly),
        ),
        (
            "{argon2}$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQtMTZieXRlcw$8F2lDrdgRB1NeGjbqeOSYA".into(),
            Some(HashFault::TooCostly),
        ),
        ("argon2$$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW".into(), Some(HashFault::Malformed)),
        (django("262144$salt$8$1"), None),
        (django("524288$salt$8$1"), Some(HashFault::TooCostly)),
        (django("4294967295$salt$8$1"), Some(HashFault::Malformed)),
        (django("1000$salt$8$1"), Some(HashFault::Malformed)),
        (django("1$salt$8$1"), Some(HashFault::Malformed)),
        (django("0$salt$8$1"), Some(HashFault::Malformed)),
        (django("1024$salt$8$17"), Some(HashFault::TooCostly)),
        (django("1024$salt$8$"), Some(HashFault::Malformed)),
        (werkzeug("scrypt:262144:8:1"), None),
        (werkzeug("scrypt:524288:8:1"), Some(HashFault::TooCostly)),
        (werkzeug("scrypt:1024:8"), Some(HashFault::Malformed)),
        (werkzeug("pbkdf2:sha256:2000000"), None),
        (werkzeug("pbkdf2:sha256:2000001"), Some(HashFault::TooCostly)),
        (werkzeug("pbkdf2:sha256"), Some(HashFault::Malformed)),
        (werkzeug("pbkdf2:sha256:-1"), Some(HashFault::Malformed)),
        (werkzeug("pbkdf2:md5:1000"), Some(HashFault::Unsupported)),
        (werkzeug("pbkdf2:sha256:1000").replace("ccdd", "ccxx"), Some(HashFault::Malformed)),
        (werkzeug("pbkdf2:sha256:1000").replace("1f", "1"), Some(HashFault::Malformed)),
        // 32 bytes of SHA-1 are two parts, and each costs the rounds.
        (format!("pbkdf2:sha1:1000000$salt${}", "ab".repeat(32)), None),
        (format!("pbkdf2:sha1:1000001$salt${}", "ab".repeat(32)), Some(HashFault::TooCostly)),
        (format!("{{pbkdf2}}{}", "ab".repeat(40)), None),
        (format!("{{pbkdf2}}{}", "ab".repeat(41)), Some(HashFault::Malformed)),
        ("{pbkdf2}".into(), Some(HashFault::Malformed)),
        (spring("120801"), None),
        (spring("130801"), Some(HashFault::TooCostly)),
        (spring("ffffffff"), Some(HashFault::TooCostly)),
        (spring("100000000"), Some(HashFault::Malformed)),
        (spring("+e0801"), Some(HashFault::Malformed)),
        (spring("e0001"), Some(HashFault::Malformed)),
        ("{scrypt}".into(), Some(HashFault::Malformed)),
        ("{noop}open sesame".into(), Some(HashFault::Unsupported)),
        (
            "{sha256}97cde38028ad898ebc02e690819fa220e88c62e0699403e94fff291cfffaf8410849f27605abcbc0".into(),
            Some(HashFault::Unsupported),
        ),
        ("{ldap}{SSHA}uVD2kpWM5jicJLdWrLBnY/Wby/sw4J3kF3lqTA==".into(), None),
        ("{ldap}{ldap}{SSHA}uVD2kpWM5jicJLdWrLBnY/Wby/sw4J3kF3lqTA==".into(), Some(HashFault::Unsupported)),
        ("{ldap}open sesame".into(), Some(HashFault::Unsupported)),
        ("{ssha}uVD2kpWM5jicJLdWrLBnY/Wby/sw4J3kF3lqTA==".into(), None),
        ("{SSHA}uVD2kpWM5jicJLdWrLBnY/Wby/s=".into(), Some(HashFault::Malformed)),
        ("{SSHA}uVD2".into(), Some(HashFault::Malformed)),
        ("{SSHA}".into(), Some(HashFault::Malformed)),
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".into(), Some(HashFault::Unsupported)),
        (
            "{PBKDF2-SHA256}2000001$XKu1FiJkzLm3NiakdC5FaA$1UKA/pcnl37Jj1ei24pgKhx7iES19.V50S50cbf6P5g".into(),
            Some(HashFault::TooCostly),
        ),
        (bcrypt("{CRYPT}$2y$05"), None),
        ("{CRYPT}$6$somesalt$abc".into(), Some(HashFault::Unsupported)),
    ] {
        assert_eq!(read(&hash).err(), why, "{hash}");
    }
}
