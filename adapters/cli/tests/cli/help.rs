//! What a new user sees first.

use crate::run::run;

const COMMANDS: [&[&str]; 15] = [
    &[],
    &["hash"],
    &["verify"],
    &["key"],
    &["key", "new"],
    &["key-ring"],
    &["key-ring", "new"],
    &["key-ring", "rotate"],
    &["signing-key"],
    &["signing-key", "new"],
    &["signing-key", "rotate"],
    &["signing-key", "jwks"],
    &["token", "mint"],
    &["explain"],
    &["completions"],
];

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in COMMANDS {
        let ran = run(&[command, &["--help"]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{command:?}");
        assert!(ran.out.contains("Usage: countersign"), "{command:?}: {}", ran.out);
        let has_commands_of_its_own = ran.out.contains("\nCommands:");
        assert!(has_commands_of_its_own || ran.out.contains("Example"), "{command:?}: {}", ran.out);
        assert!(ran.out.lines().all(|line| line.chars().count() <= 160), "{command:?}");
    }
}

#[test]
fn what_cannot_be_understood_ends_with_2() {
    for arguments in [
        &["hash", "s3cret"][..],
        &["hash", "--password", "s3cret"],
        &["hash", "--cost", "slow"],
        &["verify"],
        &["key", "new"],
        &["key", "new", "--prefix", "a b"],
        &["signing-key", "new", "--alg", "none"],
        &["token", "mint", "--key", "k.pem", "--alg", "none"],
        &["token", "mint", "--key", "k.pem", "--expires-in", "soon"],
        &["explain", "--at", "yesterday", "x"],
        &["completions", "cmd.exe"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.err.contains("error:") && ran.out.is_empty(), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        for command in ["hash", "verify", "key-ring", "signing-key", "token", "explain"] {
            assert!(ran.out.contains(command), "{shell}: {command}");
        }
    }
}
