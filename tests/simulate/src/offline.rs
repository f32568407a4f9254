//! A log as an auditor gets it: exported to files and verified from them and a public key alone.

use crate::pool::Pool;
use crate::store::{StoreTruth, now};
use airlock::clock::FixedClock;
use airlock::log::tree::Hash;
use airlock::log::{AgreementLog, SecretKey, verify};
use airlock::store::Store;
use std::sync::Arc;

/// The verified end of the log; nothing of one that nobody began.
pub(crate) fn verified(store: &mut StoreTruth, pool: &Pool) -> Result<Option<(u64, Hash)>, String> {
    if store.size(&pool.collaboration) == 0 {
        return Ok(None);
    }
    let memory: Arc<dyn Store> = Arc::new(store.take_memory());
    let (key, clock) = (SecretKey::from_seed([9; 32]), Arc::new(FixedClock::default()));
    let log = AgreementLog::new(memory, key, clock);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let to = folder.path().join("log");
    let exported = now(log.export(&pool.collaboration, &to)).ok_or("an export waits")?;
    let bundle = exported.map_err(|error| error.to_string())?;
    let verified = verify(&bundle, &log.gateway(), None).map_err(|error| error.to_string())?;
    Ok(Some((verified.leaves, verified.root)))
}
