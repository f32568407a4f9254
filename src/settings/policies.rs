//! The operator's policies as they lie in a folder: files of text, and nothing beside them that somebody could take for one. Must not know what a
//! policy says.

use crate::access::PolicyText;
use crate::error::{Error, Problem, Result};
use std::ffi::OsStr;
use std::path::Path;

/// Files in one folder, and bytes of one.
const FILES_MAX: usize = 64;
const BYTES_MAX: u64 = 256 * 1024;
const HELP: &str = "a folder with files NAME.cedar of text, 256 KiB each at most, and nothing else but names that begin with a dot";

/// The files of a folder, in order of name. Whatever can't be read, or is no such file, is refused: a policy that is passed over would forbid nothing.
pub(crate) fn policy_texts(folder: &Path) -> Result<Vec<PolicyText>> {
    let unread = |path: &Path, why: String| refused(vec![problem(path, why)]);
    let own = folder.canonicalize().map_err(|error| unread(folder, error.kind().to_string()))?;
    let entries =
        std::fs::read_dir(&own).map_err(|error| unread(folder, error.kind().to_string()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unread(folder, error.kind().to_string()))?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden {
            paths.push(entry.path());
        }
    }
    paths.sort();
    if paths.len() > FILES_MAX {
        return Err(unread(folder, format!("there are more than {FILES_MAX} files")));
    }
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match text(&own, &path) {
            Ok(text) => texts.push(text),
            Err(why) => problems.push(problem(&path, why)),
        }
    }
    if problems.is_empty() { Ok(texts) } else { Err(refused(problems)) }
}

fn text(folder: &Path, path: &Path) -> Result<PolicyText, String> {
    if path.extension() != Some(OsStr::new("cedar")) {
        return Err("this is no file of policies".to_owned());
    }
    let real = path.canonicalize().map_err(|error| error.kind().to_string())?;
    if !real.starts_with(folder) {
        return Err("this is a link out of the folder".to_owned());
    }
    let about = real.metadata().map_err(|error| error.kind().to_string())?;
    if !about.is_file() || about.len() > BYTES_MAX {
        return Err("this is no file, or it is too long".to_owned());
    }
    let text = std::fs::read_to_string(&real).map_err(|error| error.kind().to_string())?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(PolicyText { name: name.unwrap_or_default(), text })
}

fn problem(path: &Path, message: String) -> Problem {
    Problem {
        code: "policy-unreadable".to_owned(),
        at: path.display().to_string(),
        message,
        help: HELP.to_owned(),
    }
}

fn refused(problems: Vec<Problem>) -> Error {
    Error::refused("policy-unreadable", "the operator's policies can't be read")
        .help(HELP)
        .problems(problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let all = tempfile::tempdir().unwrap();
        let own = all.path().join("policies");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("b.cedar"), "two").unwrap();
        std::fs::write(own.join("a.cedar"), "one").unwrap();
        (all, own)
    }

    fn names(of: &Path) -> Vec<String> {
        policy_texts(of).unwrap().into_iter().map(|text| text.name).collect()
    }

    #[test]
    fn files_are_read_in_order_of_name_through_links_of_the_folder_itself() {
        let (_all, own) = folder();
        // As a mounted ConfigMap has them.
        std::fs::create_dir(own.join("..data")).unwrap();
        std::fs::write(own.join("..data/c.cedar"), "three").unwrap();
        std::os::unix::fs::symlink("..data/c.cedar", own.join("c.cedar")).unwrap();
        assert_eq!(names(&own), ["a.cedar", "b.cedar", "c.cedar"]);
        assert_eq!(policy_texts(&own).unwrap()[2].text, "three");
    }

    #[test]
    fn what_could_be_taken_for_a_policy_and_is_not_read_is_refused() {
        type Spoil = fn(&Path, &Path);
        let spoils: [Spoil; 8] = [
            |_, own| std::fs::write(own.join("c.txt"), "").unwrap(),
            |_, own| std::fs::write(own.join("c.cedar.bak"), "").unwrap(),
            |_, own| std::fs::write(own.join("c.CEDAR"), "").unwrap(),
            |_, own| std::fs::create_dir(own.join("more")).unwrap(),
            |_, own| std::fs::create_dir(own.join("more.cedar")).unwrap(),
            |_, own| std::fs::write(own.join("c.cedar"), [0xff, 0xfe]).unwrap(),
            |all, own| {
                std::fs::write(all.join("c.cedar"), "").unwrap();
                std::os::unix::fs::symlink(all.join("c.cedar"), own.join("c.cedar")).unwrap();
            },
            |_, own| std::os::unix::fs::symlink("nowhere", own.join("c.cedar")).unwrap(),
        ];
        for (n, spoil) in spoils.into_iter().enumerate() {
            let (all, own) = folder();
            assert_eq!(names(&own).len(), 2);
            spoil(all.path(), &own);
            let error = policy_texts(&own).map(drop).unwrap_err();
            assert_eq!(error.code, "policy-unreadable", "{n}");
            let at = &error.problems[0].at;
            assert!(at.contains("/c.") || at.contains("/more"), "{n}: {at}");
        }
        let (all, own) = folder();
        assert!(policy_texts(&all.path().join("nowhere")).is_err());
        assert!(policy_texts(&own.join("a.cedar")).is_err());
        std::fs::write(own.join("c.cedar"), " ".repeat(256 * 1024 + 1)).unwrap();
        assert!(policy_texts(&own).is_err());
        std::fs::write(own.join("c.cedar"), " ".repeat(256 * 1024)).unwrap();
        assert!(policy_texts(&own).is_ok());
    }
}
