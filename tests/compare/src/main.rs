//! Asks several libraries the same over a socket, and writes what they answer into the manual.
//!
//! `cargo run --manifest-path tests/compare/Cargo.toml` writes the page; with `--check` it fails where the page says otherwise.

mod passwords;
mod server;
mod sessions;
mod tokens;
mod wire;

use std::{env, error::Error, fs, path::Path};

/// What is compared: by whom, and what each of them answered.
struct Table {
    title: &'static str,
    about: &'static str,
    peers: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

/// A package and its version, as the lock of this program has it.
fn version(package: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let versions = lock.split("[[package]]").filter_map(|entry| {
        let mut lines = entry.lines().filter(|line| !line.is_empty());
        let name = lines.next()?.strip_prefix("name = \"")?.strip_suffix('"')?;
        let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
        (name == package).then_some(version)
    });
    format!("{package} {}", versions.last().unwrap_or("of this repository"))
}

fn written(tables: &[Table], day: &str) -> String {
    let mut page = include_str!("page.md").replace("{day}", day);
    for table in tables {
        page += &format!(
            "\n# {}\n{}\n\n| | {} |\n|---|{}\n",
            table.title,
            table.about,
            table.peers.join(" | "),
            "---|".repeat(table.peers.len())
        );
        for (what, cells) in &table.rows {
            page += &format!("| {what} | {} |\n", cells.join(" | "));
        }
    }
    page
}

/// Everything but the day.
fn undated(page: &str) -> String {
    page.lines().filter(|line| !line.starts_with("Measured on ")).collect::<Vec<_>>().join("\n")
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let tables = [passwords::table(&runtime)?, tokens::table(&runtime)?, sessions::table(&runtime)?];
    let now = jiff::Timestamp::now().to_string();
    let (day, _) = now.split_once('T').ok_or("the clock has no day")?;
    let page = written(&tables, day);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/src/manual/compare.md");
    if env::args().any(|argument| argument == "--check") {
        let known = fs::read_to_string(&path)?;
        if undated(&known) != undated(&page) {
            for (old, new) in undated(&known).lines().zip(undated(&page).lines()).filter(|(old, new)| old != new) {
                println!("- {old}\n+ {new}");
            }
            return Err("the page says otherwise: run this without --check".into());
        }
        println!("as the page says");
    } else {
        fs::write(&path, page)?;
        println!("{}", path.display());
    }
    // Servers run for as long as the program does.
    std::process::exit(0);
}
