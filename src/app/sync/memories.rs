//! What is remembered of rooms between turns: whatever a room waits for as long as it waits, and of others as much as fits. Must not
//! know what a memory holds.

use crate::reconcile::{Memory, shard};
use mappings::model::{CollaborationId, PlatformId};
use std::collections::BTreeMap;

/// Rooms of which more is remembered than what they wait for.
const WHOLE_MAX: usize = 1024;

type Key = (CollaborationId, PlatformId);

/// Memories by room.
#[derive(Debug, Default)]
pub(super) struct Memories(BTreeMap<Key, Memory>);

impl Memories {
    pub(super) fn take(&mut self, collaboration: &CollaborationId, room: &PlatformId) -> Memory {
        self.0.remove(&(collaboration.clone(), room.clone())).unwrap_or_default()
    }

    /// Keeps what a turn left. Where there are many, one that waits for nothing is not worth a place.
    pub(super) fn keep(
        &mut self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        mut memory: Memory,
    ) {
        if self.0.len() >= WHOLE_MAX {
            if !memory.waits() {
                return;
            }
            memory.lighten();
        }
        self.0.insert((collaboration.clone(), room.clone()), memory);
    }

    /// Forgets what another worker works on now.
    pub(super) fn retain(&mut self, mine: impl Fn(u16) -> bool) {
        self.0.retain(|(collaboration, _), _| mine(shard(collaboration)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_something_is_remembered_however_many_there_are() {
        let mut memories = Memories::default();
        let name = |n: usize| CollaborationId::new(&format!("deal-{n:05}")).unwrap();
        let room = PlatformId::aws_clean_rooms();
        for n in 0..3 * WHOLE_MAX {
            memories.keep(
                &name(n),
                &room,
                if n % 2 == 0 { Memory::waiting() } else { Memory::default() },
            );
        }
        for n in (0..3 * WHOLE_MAX).step_by(2) {
            assert!(memories.take(&name(n), &room).waits(), "{n}");
        }
        assert!(memories.0.len() <= WHOLE_MAX);
        memories.keep(&name(0), &room, Memory::waiting());
        memories.retain(|one| one != shard(&name(0)));
        assert!(!memories.take(&name(0), &room).waits(), "another's now");
    }
}
