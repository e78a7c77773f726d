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
