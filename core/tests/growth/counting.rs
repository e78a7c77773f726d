//! Counts the instructions of what a test runs, by callgrind. They are the same whatever else the machine does, which no time is.

use std::{env, fs, hint::black_box, path::Path, process::Command};

/// Set for the process whose instructions are counted.
const COUNTED: &str = "COUNTERSIGN_COUNTED";

/// What is prepared, and then counted.
pub(crate) type Work = Box<dyn FnMut()>;

/// A name, and what is to be counted of so many pieces.
pub(crate) struct Row {
    what: String,
    few: usize,
    prepare: Box<dyn Fn(usize) -> Work>,
}

pub(crate) fn row(what: &str, prepare: impl Fn(usize) -> Work + 'static) -> Row {
    Row { what: what.to_owned(), few: 64, prepare: Box::new(prepare) }
}

impl Row {
    /// Counts so many pieces, and then 32 times as many.
    pub(crate) fn beginning_with(self, few: usize) -> Self {
        Self { few, ..self }
    }

    /// Names the group too, where it fails.
    pub(crate) fn among(self, group: &str) -> Self {
        Self { what: format!("{group}: {}", self.what), ..self }
    }
}

/// How many times as many pieces there are.
const TIMES: usize = 32;

/// What was counted of one row, for few pieces and for many.
pub(crate) struct Counted {
    pub(crate) what: String,
    pub(crate) few: u64,
    pub(crate) many: u64,
}

/// The one function whose instructions count, with those of all that it calls.
#[inline(never)]
fn counted(work: &mut Work) {
    work();
    black_box(());
}

/// Runs the test of this name again, under callgrind, which then comes here and does the work; what was counted, and in that second process nothing.
pub(crate) fn count(test: &str, rows: Vec<Row>) -> Vec<Counted> {
    if env::var_os(COUNTED).is_some() {
        for Row { few, prepare, .. } in rows {
            // What is done once in a process counts nowhere.
            prepare(few)();
            for pieces in [few, few * TIMES] {
                counted(&mut prepare(pieces));
            }
        }
        return Vec::new();
    }
    let folder = env::temp_dir().join(format!("countersign-{test}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    // Each option with a pattern of its own: of two that are the same, callgrind heeds one.
    let (only, behind) = ("*counting::counted*", "*::counting::counted*");
    let said = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .args([format!("--toggle-collect={only}"), format!("--dump-after={behind}")])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1", "--nocapture"])
        .env(COUNTED, "")
        .output()
        .expect("valgrind counts the instructions: `.ci/test tools` installs it");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let counts = rows.into_iter().enumerate().map(|(at, Row { what, .. })| {
        let of = |nth: usize| instructions(&folder.join(format!("out.{nth}")));
        Counted { what, few: of(2 * at + 1), many: of(2 * at + 2) }
    });
    let counts = counts.collect();
    fs::remove_dir_all(folder).unwrap();
    counts
}

/// The sum that a profile ends with.
fn instructions(profile: &Path) -> u64 {
    let text = fs::read_to_string(profile).unwrap();
    let sum = text.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    let sum = sum.trim().parse().unwrap();
    assert!(sum > 0, "nothing was counted");
    sum
}

/// Fails where so many times as many pieces cost more than as many times as much, but for what growing tables and sorting add.
pub(crate) fn assert_linear(counts: &[Counted]) {
    let growing: Vec<String> = counts
        .iter()
        .filter(|row| row.many > row.few * 48)
        .map(|row| format!("{}: {} instructions for few, {} for {TIMES} times as many", row.what, row.few, row.many))
        .collect();
    assert!(growing.is_empty(), "{}", growing.join("\n"));
}
