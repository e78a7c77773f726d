//! The how-to shows what is compiled and run: each of its blocks that the core cannot compile is a file of an example.

#[test]
fn the_how_to_shows_these_tests_as_they_are() {
    let howto = include_str!("../../../core/src/manual/howto.md");
    let files = [
        include_str!("../../own-users/src/cors.rs"),
        include_str!("../../own-users/src/users.rs"),
        include_str!("actix_app.rs"),
        include_str!("axum_app.rs"),
        include_str!("rocket_app.rs"),
    ];
    let blocks: Vec<&str> = howto
        .split("```rust,ignore\n")
        .skip(1)
        .filter_map(|block| block.split_once("```\n"))
        .map(|(code, _)| code)
        .collect();
    for file in files {
        assert!(blocks.contains(&file), "put this into the how-to:\n{file}");
    }
    assert_eq!(blocks.len(), files.len(), "a block of the how-to is compiled by nobody");
}

#[test]
fn the_front_page_shows_the_starts_as_they_are() {
    // The page begins each block at its left edge, so that no line is cut.
    let flat = |text: &str| text.lines().map(|line| format!("{}\n", line.trim_start())).collect::<String>();
    let starts = [
        include_str!("../../quickstart/axum/src/main.rs"),
        include_str!("../../quickstart/actix-web/src/main.rs"),
        include_str!("../../quickstart/rocket/src/main.rs"),
    ]
    .map(flat);
    let page = include_str!("../../../core/src/start.md").split("```rust,ignore\n").skip(1);
    let mut blocks = page.filter_map(|block| Some(flat(block.split_once("```\n")?.0)));
    let gate = blocks.next().unwrap_or_default();
    assert!(!gate.is_empty() && starts.iter().all(|start| start.contains(&gate)), "{gate}");
    let handlers = blocks.next().unwrap_or_default();
    assert!(!handlers.is_empty() && starts[..2].iter().all(|start| start.contains(&handlers)), "{handlers}");
    for start in starts {
        let routes = blocks.next().unwrap_or_default();
        assert!(!routes.is_empty() && start.contains(&routes), "{routes}");
    }
    assert_eq!(blocks.next(), None);
}
