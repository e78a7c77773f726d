//! Issuers of access tokens that are not ours: a real OpenID provider, and one that does as it is told.
//!
//! What they are made of is installed into `.tools` of the repository, which git ignores, unless it is there already.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

const PROVIDER: &str = "oidc-provider@9.13.3";
const JOSE: &str = "jose@6.2.18";
const PYJWT: [&str; 2] = ["PyJWT==2.15.1", "cryptography==50.0.2"];

/// A real provider: `oidc-provider`. It is killed when this is dropped.
#[derive(Debug)]
pub struct Provider {
    child: Child,
    issuer: String,
}

/// An issuer that serves a document and a set of keys, and counts who asks for them. It ends when this is dropped.
#[derive(Debug)]
pub struct Issuer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    set: Mutex<Value>,
    fetches: Mutex<usize>,
    over: AtomicBool,
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../.tools").canonicalize().unwrap_or_else(|_| {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../.tools");
        fs::create_dir_all(&tools).unwrap();
        tools.canonicalize().unwrap()
    })
}

/// The folder of this npm package, installed.
fn node_package(folder: &str, package: &str) -> PathBuf {
    let home = tools().join(folder);
    let (name, _) = package.rsplit_once('@').expect("a version");
    if !home.join("node_modules").join(name).join("package.json").exists() {
        fs::create_dir_all(&home).unwrap();
        run(Command::new("npm").args(["install", "--silent", "--no-save", "--prefix"]).arg(&home).arg(package), "");
    }
    home
}

fn run(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?} fails");
    String::from_utf8(output.stdout).unwrap()
}

fn jose(asked: &Value) -> Vec<Value> {
    let home = node_package("jose", JOSE);
    let script = ["--input-type=module", "-e", include_str!("../strangers/jose.mjs")];
    let made = run(Command::new("node").args(script).current_dir(home), &asked.to_string());
    serde_json::from_str(&made).unwrap()
}

/// Fresh private keys for these algorithms, as JWKs with `kid`, `alg` and `use`.
///
/// # Panics
/// When Node or jose is missing.
#[must_use]
pub fn private_keys(algorithms: &[&str]) -> Vec<Value> {
    jose(&json!({ "make": algorithms }))
}

/// The public half of such keys, as a set.
///
/// # Panics
/// When one is no JWK.
#[must_use]
pub fn public_set<'k>(keys: impl IntoIterator<Item = &'k Value>) -> Value {
    let public = keys.into_iter().map(|key| {
        let mut key = key.as_object().unwrap().clone();
        key.retain(|name, _| !["d", "p", "q", "dp", "dq", "qi"].contains(&name.as_str()));
        Value::Object(key)
    });
    json!({ "keys": public.collect::<Vec<_>>() })
}

fn asked_to_sign(tokens: &[(Value, &Value, Value)]) -> Value {
    let tokens = tokens.iter().map(|(header, key, claims)| json!({ "header": header, "key": key, "claims": claims }));
    json!({ "sign": tokens.collect::<Vec<_>>() })
}

fn texts(made: Vec<Value>) -> Vec<String> {
    made.into_iter().map(|token| token.as_str().expect("a token").to_owned()).collect()
}

/// Signs with jose: header, private key, claims.
///
/// # Panics
/// When it cannot.
#[must_use]
pub fn signed_by_jose(tokens: &[(Value, &Value, Value)]) -> Vec<String> {
    texts(jose(&asked_to_sign(tokens)))
}

/// Signs with PyJWT: header, private key, claims.
///
/// # Panics
/// When it cannot.
#[must_use]
pub fn signed_by_pyjwt(tokens: &[(Value, &Value, Value)]) -> Vec<String> {
    let home = tools().join("pyjwt");
    let python = home.join("bin/python");
    if !home.join("ready").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home), "");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PYJWT), "");
        fs::write(home.join("ready"), "").unwrap();
    }
    let made = run(
        Command::new(&python).arg("-c").arg(include_str!("../strangers/pyjwt.py")),
        &asked_to_sign(tokens).to_string(),
    );
    texts(serde_json::from_str(&made).unwrap())
}

/// Seconds since 1970.
///
/// # Panics
/// When the clock stands before that.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

impl Provider {
    /// Starts one on this port, or on a free one for 0, with these private keys; it signs with the first.
    ///
    /// # Panics
    /// When Node or oidc-provider is missing, or it does not start.
    #[must_use]
    pub fn start(port: u16, keys: &[Value]) -> Self {
        let home = node_package("oidc", PROVIDER);
        let script = ["--input-type=module", "-e", include_str!("../../../../core/tests/remote/provider.mjs")];
        let mut child = Command::new("node")
            .args(script)
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs");
        let settings = json!({ "port": port, "keys": keys }).to_string();
        child.stdin.take().unwrap().write_all(settings.as_bytes()).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let issuer = lines.into_iter().find(|line| line.starts_with("http://")).expect("it says where it is");
        Self { child, issuer }
    }

    /// The issuer's name, and where it is.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its port.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.issuer.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Gets an access token for the client of this name, as any client of OAuth does.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn token(&self, client: &str, scope: &str, resource: &str) -> String {
        let form = format!("grant_type=client_credentials&scope={scope}&resource=urn:{resource}");
        let told = run(
            Command::new("curl")
                .args(["--silent", "--fail", "--max-time", "10", "--user", &format!("{client}:a-secret-of-the-tests")])
                .args(["--data", &form, &format!("{}/token", self.issuer)]),
            "",
        );
        let told: Value = serde_json::from_str(&told).unwrap();
        told["access_token"].as_str().expect("a token").to_owned()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Issuer {
    /// One on a free port, with this set.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn with(set: Value) -> Self {
        Self::on(SocketAddr::from(([127, 0, 0, 1], 0)), set)
    }

    /// One at this address.
    ///
    /// # Panics
    /// When it is taken.
    #[must_use]
    pub fn on(address: SocketAddr, set: Value) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { set: Mutex::new(set), ..Shared::default() });
        let serving = Arc::clone(&shared);
        let serving = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.over.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.answer(address, stream));
            }
        });
        Self { address, shared, serving: Some(serving) }
    }

    /// The issuer's name, and where it is.
    #[must_use]
    pub fn name(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves this set from now on.
    ///
    /// # Panics
    /// Never.
    pub fn has(&self, set: Value) {
        *self.shared.set.lock().unwrap() = set;
    }

    /// How often the set was asked for.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn fetches(&self) -> usize {
        *self.shared.fetches.lock().unwrap()
    }
}

impl Shared {
    fn answer(&self, address: SocketAddr, mut stream: TcpStream) {
        let mut head = Vec::new();
        let mut byte = [0];
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
            head.push(byte[0]);
        }
        let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
        let (status, body) = match path.as_str() {
            "/.well-known/openid-configuration" => {
                let name = format!("http://{address}");
                ("200 OK", json!({ "issuer": name, "jwks_uri": format!("{name}/keys") }))
            }
            "/keys" => {
                *self.fetches.lock().unwrap() += 1;
                ("200 OK", self.set.lock().unwrap().clone())
            }
            _ => ("404 Not Found", Value::Null),
        };
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n");
        let _ = stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // The listener hears of it by one more connection.
        let _ = TcpStream::connect(self.address);
        let _ = self.serving.take().map(JoinHandle::join);
    }
}
