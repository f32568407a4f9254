//! A witness cosigns what continues what it saw, and nothing else; a gateway collects cosignatures and is held to them.

use super::*;

fn cosigner(seed: u8, folder: &std::path::Path) -> Cosigner {
    let key = SecretKey::from_seed([seed; 32]);
    let witness = Witness::new(&format!("witness-{seed}.example/w"), key.public()).unwrap();
    Cosigner { witness, key, state: folder.join(seed.to_string()) }
}

async fn watched(place: &Place, by: &Cosigner, at_s: u64) -> Result<Cosigned, PublicationError> {
    let cosigned = cosign(place, &gateway().public(), &spring(), by, at_s).await?;
    cosigned.publish(place, &by.witness).await?;
    Ok(cosigned)
}

async fn made(place: &Place, witnesses: &[Witness]) -> usize {
    let (_, note) = head(place, &gateway().public()).await.unwrap();
    witnessed(place, &note, witnesses).await.unwrap().len()
}

#[tokio::test]
async fn a_head_that_continues_is_cosigned_and_counts_for_that_head_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (log, (store, place)) = (new_log(1), memory());
    let (one, two) = (cosigner(1, folder.path()), cosigner(2, folder.path()));
    let all = [one.witness.clone(), two.witness.clone()];
    assert_eq!(code(watched(&place, &one, 7).await), "checkpoint-missing");
    grown(&log, 3).await;
    publish(&log, &spring(), &place, &all).await.unwrap();
    assert_eq!(made(&place, &all).await, 0);
    assert_eq!(watched(&place, &one, 7).await.unwrap().before, 0);
    assert_eq!(made(&place, &all).await, 1);
    assert_eq!(watched(&place, &two, 8).await.unwrap().head.size, 3);
    assert_eq!(made(&place, &all).await, 2);
    assert_eq!(made(&place, &[cosigner(3, folder.path()).witness]).await, 0, "a stranger");
    // They come into the checkpoint, in which any reader of signed notes finds them.
    assert_eq!(publish(&log, &spring(), &place, &all).await.unwrap().cosigned, 2);
    let before = objects(&store).await;
    assert_eq!(publish(&log, &spring(), &place, &all).await.unwrap().cosigned, 2);
    assert_eq!(objects(&store).await, before);
    let (_, note) = head(&place, &gateway().public()).await.unwrap();
    assert_eq!(note.lines().count(), 4 + 3);
    verified(&place).await.unwrap();
    grown(&log, 258).await;
    publish(&log, &spring(), &place, &all).await.unwrap();
    assert_eq!(made(&place, &all).await, 0, "of another head");
    assert_eq!(watched(&place, &one, 9).await.unwrap().before, 3);
    assert_eq!(watched(&place, &one, 10).await.unwrap().before, 258, "again is no harm");
    assert_eq!(made(&place, &all).await, 1);
}

#[tokio::test]
async fn a_fork_within_one_interval_and_a_rollback_are_refused_and_kept_as_proof() {
    let folder = tempfile::tempdir().unwrap();
    let one = cosigner(1, folder.path());
    let (log, (_, place)) = (new_log(1), memory());
    grown(&log, 5).await;
    published(&log, &place).await.unwrap();
    watched(&place, &one, 7).await.unwrap();
    let kept = std::fs::read_to_string(one.state.join("spring")).unwrap();
    let refused = one.state.join("spring.refused");
    for (at_ms, size, told) in
        [(2, 9, "log-forked"), (2, 5, "log-forked"), (1, 4, "log-rolled-back")]
    {
        let (other, (there, view)) = (new_log(at_ms), memory());
        grown(&other, size).await;
        published(&other, &view).await.unwrap();
        assert!(!refused.exists());
        assert_eq!(code(watched(&view, &one, 8).await), told);
        assert_eq!(std::fs::read_to_string(one.state.join("spring")).unwrap(), kept);
        let proof = std::fs::read_to_string(&refused).unwrap();
        assert_eq!(crate::log::Checkpoint::parse(&proof).unwrap().size, size);
        std::fs::remove_file(&refused).unwrap();
        assert!(!objects(&there).await.contains_key(&one.witness.path()), "nothing was cosigned");
    }
    grown(&log, 9).await;
    published(&log, &place).await.unwrap();
    assert_eq!(watched(&place, &one, 9).await.unwrap().before, 5);
}

#[tokio::test]
async fn a_head_whose_tiles_are_not_there_is_not_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let one = cosigner(1, folder.path());
    let (log, (store, place)) = (new_log(1), memory());
    grown(&log, 258).await;
    published(&log, &place).await.unwrap();
    let all = objects(&store).await;
    store.delete(&Path::from("tile/0/001.p/2")).await.unwrap();
    assert_eq!(code(watched(&place, &one, 7).await), "tile-missing");
    assert!(!one.state.join("spring").exists());
    put(&store, "tile/0/001.p/2", &all["tile/1/000.p/1"].repeat(2)).await;
    assert_eq!(code(watched(&place, &one, 7).await), "tile-differs");
    put(&store, "tile/0/001.p/2", &all["tile/0/001.p/2"]).await;
    assert_eq!(code(watched(&place, &one, 7).await), "good");
}

#[tokio::test]
async fn two_processes_of_one_witness_do_not_cosign_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let one = cosigner(1, folder.path());
    let (log, (_, place)) = (new_log(1), memory());
    grown(&log, 3).await;
    published(&log, &place).await.unwrap();
    std::fs::create_dir_all(&one.state).unwrap();
    let held = std::fs::File::create(one.state.join("spring.lock")).unwrap();
    held.lock().unwrap();
    assert_eq!(code(watched(&place, &one, 7).await), "witness-busy");
    drop(held);
    assert_eq!(code(watched(&place, &one, 7).await), "good");
}

#[tokio::test]
async fn what_a_witness_cosigned_holds_the_gateway_and_what_is_no_cosignature_holds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let one = cosigner(1, folder.path());
    let all = [one.witness.clone()];
    let (log, (store, place)) = (new_log(1), memory());
    grown(&log, 5).await;
    publish(&log, &spring(), &place, &all).await.unwrap();
    watched(&place, &one, 7).await.unwrap();
    // The checkpoint is lost, and an older database is published: the witness knows better.
    let shorter = new_log(1);
    grown(&shorter, 4).await;
    store.delete(&Path::from("checkpoint")).await.unwrap();
    assert_eq!(code(publish(&shorter, &spring(), &place, &all).await), "log-rolled-back");
    let forked = new_log(2);
    grown(&forked, 6).await;
    assert_eq!(code(publish(&forked, &spring(), &place, &all).await), "log-forked");
    assert!(!objects(&store).await.contains_key("checkpoint"));
    for garbage in ["", "no note", &"x".repeat(20_000)] {
        put(&store, &one.witness.path(), garbage.as_bytes()).await;
        assert_eq!(publish(&log, &spring(), &place, &all).await.unwrap().cosigned, 0);
    }
}
