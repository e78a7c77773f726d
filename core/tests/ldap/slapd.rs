//! A directory of our own: an OpenLDAP server on this machine, with a certificate and a few entries.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The root of all entries.
pub(crate) const BASE: &str = "dc=example,dc=com";

const CONFIGURATION: &str = "\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile HOME/pid
TLSCACertificateFile HOME/ca.pem
TLSCertificateFile HOME/server.pem
TLSCertificateKeyFile HOME/server.key
referral ldap://elsewhere.example
database mdb
suffix \"dc=example,dc=com\"
directory HOME/data
maxsize 10485760
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact=\"cn=reader,dc=example,dc=com\" read by anonymous auth by * none
";

const ENTRIES: &str = "\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: Example

dn: cn=reader,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
userPassword: the reader's password

dn: ou=users,dc=example,dc=com
objectClass: organizationalUnit

dn: ou=more,ou=users,dc=example,dc=com
objectClass: organizationalUnit

dn: uid=emma,ou=users,dc=example,dc=com
objectClass: inetOrgPerson
cn: Emma
sn: E
userPassword: pässwörd-emma

dn: uid=o*d)(n\\5cme,ou=users,dc=example,dc=com
objectClass: inetOrgPerson
cn: Odd
sn: O
userPassword: odd

dn: uid=plain,ou=users,dc=example,dc=com
objectClass: inetOrgPerson
cn: Plain
sn: P

dn: uid=twin,ou=users,dc=example,dc=com
objectClass: inetOrgPerson
cn: Twin
sn: T
userPassword: twin

dn: uid=twin,ou=more,ou=users,dc=example,dc=com
objectClass: inetOrgPerson
cn: Twin
sn: T
userPassword: twin

dn: uid=gone,ou=users,dc=example,dc=com
objectClass: referral
objectClass: extensibleObject
ref: ldap://elsewhere.example/uid=gone,dc=example,dc=com

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit

dn: cn=member,ou=groups,dc=example,dc=com
objectClass: groupOfNames
member: uid=emma,ou=users,dc=example,dc=com

dn: cn=admin,ou=groups,dc=example,dc=com
objectClass: posixGroup
gidNumber: 1
memberUid: emma

dn: cn=other,ou=groups,dc=example,dc=com
objectClass: groupOfNames
member: uid=twin,ou=users,dc=example,dc=com
";

/// A server that runs, with its files. It ends, and they go, when this is dropped.
pub(crate) struct Slapd {
    home: PathBuf,
    ports: [u16; 2],
    roots: String,
    child: Option<Child>,
}

fn run(command: &mut Command) {
    let output = command.output().expect("Debian's slapd is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn certified() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

impl Slapd {
    /// The certificate of an authority that certified nobody.
    pub(crate) fn authority() -> String {
        certified().pem()
    }

    pub(crate) fn start() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let home = std::env::temp_dir().join(format!("countersign-slapd-{}-{now}", std::process::id()));
        fs::create_dir_all(home.join("data")).unwrap();
        let authority = certified();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let configuration = CONFIGURATION.replace("HOME", home.to_str().unwrap());
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("server.pem", certificate.pem()),
            ("server.key", key.serialize_pem()),
            ("slapd.conf", configuration),
            ("entries.ldif", ENTRIES.to_owned()),
        ] {
            fs::write(home.join(name), text).unwrap();
        }
        let mut load = Command::new("/usr/sbin/slapadd");
        run(load.arg("-f").arg(home.join("slapd.conf")).arg("-l").arg(home.join("entries.ldif")));
        // Both at once, so that they are not the same.
        let free = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = free.each_ref().map(|listener| listener.local_addr().unwrap().port());
        drop(free);
        let mut slapd = Self { home, ports, roots: authority.pem(), child: None };
        slapd.restart();
        slapd
    }

    /// Starts it anew where it was.
    pub(crate) fn restart(&mut self) {
        let urls = format!("{} {}", self.plain(), self.secure());
        let child = Command::new("/usr/sbin/slapd")
            .arg("-f")
            .arg(self.home.join("slapd.conf"))
            .args(["-h", &urls, "-d", "0"])
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's slapd is installed");
        self.child = Some(child);
        let patience = Instant::now() + Duration::from_secs(30);
        while self.ports.iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            assert!(Instant::now() < patience, "slapd does not listen");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Who certified it.
    pub(crate) fn roots(&self) -> String {
        self.roots.clone()
    }

    pub(crate) fn plain(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.ports[0])
    }

    pub(crate) fn secure(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.ports[1])
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.home);
    }
}
