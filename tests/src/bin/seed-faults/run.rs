//! Building and running an adapter's suite.

use std::{
    env, fmt,
    fs::{self, File},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{Failure, scratch::Scratch};

/// How long a suite may run before the fault counts as caught by its silence.
const PATIENCE: Duration = Duration::from_secs(300);

/// What became of a suite.
pub(crate) enum Outcome {
    Passed,
    /// These cases failed.
    Caught(Vec<String>),
    DoesNotCompile(String),
    DoesNotApply(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        match self {
            Self::Passed => f.write_str("NOT CAUGHT"),
            Self::Caught(cases) => {
                let shown: Vec<_> = cases.iter().take(SHOWN).map(String::as_str).collect();
                write!(f, "caught by {} cases, {}", cases.len(), shown.join(", "))?;
                if cases.len() > SHOWN { f.write_str(", …") } else { Ok(()) }
            }
            Self::DoesNotCompile(why) => write!(f, "DOES NOT COMPILE\n{why}"),
            Self::DoesNotApply(why) => write!(f, "DOES NOT APPLY: {why}"),
        }
    }
}

/// The file of tests that runs the cases.
pub(crate) const CASES: &str = "conformance";

/// Builds and runs these tests of `countersign-<adapter>` in the copy.
pub(crate) fn suite(scratch: &Scratch, adapter: &str, program: &str) -> Result<Outcome, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["test", "--no-run", "--quiet", "--test", program, "--message-format", "json", "--package"])
        .arg(format!("countersign-{adapter}"))
        .current_dir(scratch.path())
        .env("CARGO_TARGET_DIR", scratch.target())
        .stderr(Stdio::piped())
        .output()?;
    let messages: Vec<Value> =
        String::from_utf8_lossy(&built.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !built.status.success() {
        let errors = messages
            .iter()
            .filter(|message| message.pointer("/message/level").and_then(Value::as_str) == Some("error"))
            .filter_map(|message| message.pointer("/message/rendered")?.as_str());
        let errors: String = errors.collect();
        let stderr = String::from_utf8_lossy(&built.stderr).into_owned();
        return Ok(Outcome::DoesNotCompile(if errors.is_empty() { stderr } else { errors }));
    }
    let executable = messages
        .iter()
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(program))
        .find_map(|message| message.pointer("/executable")?.as_str())
        .ok_or("cargo named no test program")?;

    let log = scratch.target().join("suite.log");
    let mut running = Command::new(executable)
        .current_dir(scratch.path())
        .stdout(File::create(&log)?)
        .stderr(Stdio::null())
        .spawn()?;
    let started = Instant::now();
    let status = loop {
        match running.try_wait()? {
            Some(status) => break Some(status),
            None if started.elapsed() > PATIENCE => {
                running.kill()?;
                running.wait()?;
                break None;
            }
            None => thread::sleep(Duration::from_millis(50)),
        }
    };
    let text = fs::read_to_string(&log)?;
    let failed: Vec<String> = text
        .lines()
        .filter_map(|line| Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.to_owned()))
        .collect();
    Ok(match status {
        Some(status) if status.success() => Outcome::Passed,
        Some(_) if failed.is_empty() => Outcome::Caught(vec!["(the whole suite broke down)".to_owned()]),
        Some(_) => Outcome::Caught(failed),
        None => Outcome::Caught(vec!["(the suite did not end)".to_owned()]),
    })
}
