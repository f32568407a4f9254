//! Files that are missing, broken, changed or made to hurt: a code, nothing delivered, memory within its limit.

use crate::world::{World, write};
use arrow::array::{Int64Array, StringArray};
use std::path::Path;
use std::sync::Arc;

#[track_caller]
fn refused(change: impl FnOnce(&Path), code: &str) {
    let world = World::settled(10);
    change(&world.path("data/sales.parquet"));
    let answer = world.run();
    answer.is(1, code);
    world.nothing_left();
    world.log_is_whole();
}

#[test]
fn a_missing_file() {
    refused(|file| std::fs::remove_file(file).unwrap(), "dataset-missing");
}

#[test]
fn a_truncated_file() {
    let cut = |file: &Path| {
        let whole = std::fs::read(file).unwrap();
        std::fs::write(file, &whole[..whole.len() / 2]).unwrap();
    };
    refused(cut, "dataset-unreadable");
}

#[test]
fn a_footer_of_ten_bytes_that_claims_gigabytes() {
    refused(|file| std::fs::write(file, b"PA\xff\xff\xff\x7fPAR1").unwrap(), "dataset-unreadable");
}

#[test]
fn a_column_that_changed_its_type() {
    let change = |file: &Path| {
        write(
            file,
            vec![
                ("email", Arc::new(StringArray::from(vec!["zqsentinel@example.org"]))),
                ("segment", Arc::new(StringArray::from(vec!["zqsentinel"]))),
                ("amount", Arc::new(StringArray::from(vec!["zqsentinel"]))),
            ],
        );
    };
    refused(change, "schema-mismatch");
}

#[test]
fn a_column_that_is_gone() {
    let change = |file: &Path| {
        write(file, vec![("amount", Arc::new(Int64Array::from(vec![1])))]);
    };
    refused(change, "schema-mismatch");
}

/// Some kilobytes that unpack to gigabytes, in one page's worth of rows of one long value: the run ends with a code or a
/// result, and never holds more than its limit and the process's own needs.
#[test]
fn a_decompression_bomb() {
    let world = World::settled(10);
    let long = "zqsentinel".repeat(100_000);
    let values = || Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&long, 1500)));
    let people: Vec<String> = (0..1500).map(|n| format!("zqsentinel{n}@example.org")).collect();
    let file = world.path("data/seen.parquet");
    write(&file, vec![("mail", Arc::new(StringArray::from(people))), ("campaign", values())]);
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(size < 4_000_000, "the bomb is {size} bytes");
    // 1.5 GB of text if it were ever held at once; the address space is less than that and the binary together.
    let inner = world.command(&["run", "spring", "reach", "--as", "brand"]);
    let mut limited = std::process::Command::new("/bin/sh");
    limited.args(["-c", "ulimit -v 6000000; exec \"$0\" \"$@\""]).arg(inner.get_program());
    limited.args(inner.get_args()).current_dir(world.folder.path());
    let answer = crate::world::Answer::of(limited.output().unwrap());
    if answer.code != Some(0) {
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(
            ["value-too-large", "memory-limit", "dataset-unreadable", "spill-limit"]
                .contains(&answer.error())
        );
        world.nothing_left();
    }
    world.log_is_whole();
}
