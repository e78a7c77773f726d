//! The README's two copies behind one Redis, by its five commands as they are pasted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    io::Write,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use people_tests::binary;

const README: &str = include_str!("../../README.md");

/// What the commands started, in a group of processes of its own, which ends with this.
struct Pasted {
    folder: PathBuf,
    redis: u16,
    shell: Option<Child>,
}

impl Pasted {
    /// This text of the README, with places and programs of this test in it, and what it wrote.
    fn run(&mut self, text: &str) -> String {
        // A copy that does not start would be waited for without end.
        let mut shell = Command::new("timeout");
        shell.args(["120", "bash", "-euc", text]).process_group(0).stdin(Stdio::null());
        let output = fs::File::create(self.folder.join("output")).unwrap();
        let shell = shell.stdout(output).stderr(Stdio::null()).spawn().unwrap();
        let shell = self.shell.insert(shell);
        assert!(shell.wait().unwrap().success(), "{text}");
        fs::read_to_string(self.folder.join("output")).unwrap()
    }
}

impl Drop for Pasted {
    fn drop(&mut self) {
        if let Some(shell) = &self.shell {
            let _ = Command::new("kill").args(["-s", "KILL", "--", &format!("-{}", shell.id())]).status();
        }
        // It has left the group.
        if let Ok(mut redis) = TcpStream::connect(("127.0.0.1", self.redis)) {
            let _ = redis.write_all(b"SHUTDOWN NOSAVE\r\n");
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn two_copies_are_started_by_the_five_commands_of_the_readme() {
    let (_, section) = README.split_once("## Two copies behind one Redis").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let (commands, rest) = block.split_once("```\n").unwrap();
    assert_eq!(commands.lines().count(), 5, "{commands}");
    let (_, sign_out) = rest.split_once('`').unwrap();
    let (sign_out, _) = sign_out.split_once('`').unwrap();

    let folder = env::temp_dir().join(format!("people-readme-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let ports = [(); 3].map(|()| free_port());
    let mut pasted = Pasted { folder, redis: ports[0], shell: None };
    let here = |text: &str| {
        let mut text = text.replace("/tmp/people", &pasted.folder.join("people").display().to_string());
        for framework in ["axum", "rocket"] {
            let run = format!("cargo run --release -p people-{framework} --");
            text = text.replace(&run, &format!("{} --password-cost fast", binary(framework).display()));
        }
        assert!(!text.contains("cargo run"), "{text}");
        let text = text.replace("6390", &ports[0].to_string()).replace("3001", &ports[1].to_string());
        text.replace("3002", &ports[2].to_string()).replace("--save ''", "--save '' --dir /tmp")
    };
    let (commands, sign_out) = (here(commands), here(sign_out));
    let known = "curl -s -o /dev/null -w '%{http_code}' -b /tmp/people.cookies http://127.0.0.1:3001/me";
    let asked = here(known);
    // What the copies print comes first, in whatever order.
    let text = format!("{commands}\necho; {asked}; echo; {sign_out}; {asked}");
    let said = pasted.run(&text);
    let mut last: Vec<_> = said.lines().rev().take(3).collect();
    last.reverse();
    assert!(last[0].contains(r#"{"name":"emily","scheme":"cookie""#), "{said}");
    assert_eq!(last[1..], ["200", "401"], "signed out at the second, the first refuses the cookie");
}
