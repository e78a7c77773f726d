//! The page of the manual about moving shows these apps as they are, and counts their lines.

const PAGE: &str = include_str!("../../../../core/src/manual/moving.md");

/// The files of each app, and how the page's table begins its row.
const APPS: [(&str, [&str; 3]); 3] = [
    (
        "| [actix-web-httpauth]",
        [include_str!("../../httpauth/src/before.rs"), include_str!("../../httpauth/src/after.rs"), ""],
    ),
    (
        "| [axum-login]",
        [
            include_str!("../../axum-login/src/before.rs"),
            include_str!("../../axum-login/src/after.rs"),
            include_str!("../../axum-login/src/carried_over.rs"),
        ],
    ),
    ("| [an extractor by hand]", [include_str!("../src/before.rs"), include_str!("../src/after.rs"), ""]),
];

/// Lines that are neither blank nor a comment.
fn lines(file: &str) -> usize {
    file.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn the_page_shows_what_is_compiled() {
    let blocks: Vec<&str> = PAGE
        .split("```rust,ignore\n")
        .skip(1)
        .filter_map(|block| block.split_once("```\n"))
        .map(|(code, _)| code)
        .collect();
    assert!(blocks.len() > 6);
    for block in blocks {
        let shown = APPS.iter().flat_map(|(_, files)| files).any(|file| file.contains(block));
        assert!(shown, "no app has these lines any more:\n{block}");
    }
}

#[test]
fn the_page_counts_their_lines() {
    for (row, [before, after, _]) in APPS {
        let told = PAGE.lines().find(|line| line.starts_with(row)).unwrap();
        let counted = format!("| {} | {} |", lines(before), lines(after));
        assert!(told.ends_with(&counted), "{told}\n{counted}");
    }
    let carried_over = lines(APPS[1].1[2]);
    assert!(PAGE.contains(&format!("the whole, {carried_over} lines to be taken out")), "{carried_over}");
}
