//! Steps and states in words.

use crate::rules::Rules;
use crate::step::Step;
use crate::world::{NOBODY, World};

/// What happened, for people.
#[must_use]
pub fn said(step: Step) -> String {
    let name = |by: usize| if by == 0 { "worker A" } else { "worker B" };
    let room = |at: usize| format!("platform {}", at + 1);
    match step {
        Step::Withdraw => "a member withdraws".to_owned(),
        Step::Regrant => "it is granted anew".to_owned(),
        Step::Acquire(by) => format!("{} takes the lease", name(by)),
        Step::Crash(by) => format!("{} crashes", name(by)),
        Step::Load(by, at) => format!("{} reads the log and turns to {}", name(by), room(at)),
        Step::Look { by, old: false } => format!("{} looks", name(by)),
        Step::Look { by, old: true } => format!("{} looks and gets an old answer", name(by)),
        Step::Reread(by) => format!("{} writes down what it saw and reads the log again", name(by)),
        Step::Settle(by, owner) => {
            format!(
                "{} settles the open intent of {} and reads the log again",
                name(by),
                name(owner)
            )
        }
        Step::Take(by) => format!("{} sends a call that takes away", name(by)),
        Step::Confirm(by, closed) => {
            let epochs = (0..3).filter(|epoch| closed & (1 << epoch) != 0);
            let epochs: Vec<_> = epochs.map(|epoch| (epoch + 1).to_string()).collect();
            format!("{} records withdrawal {} as seen closed", name(by), epochs.join(" and "))
        }
        Step::Intend(by) => format!("{} records an intent to give", name(by)),
        Step::Done(by) => format!("{} ends its pass", name(by)),
        Step::Send(by) => format!("{} sends its call that gives", name(by)),
        Step::TooLate(by) => format!("{} is too late and records that it sent nothing", name(by)),
        Step::GiveUp(by) => format!("{} hears nothing and goes on", name(by)),
        Step::Record(by) => format!("{} records the answer", name(by)),
        Step::Deliver(at, by) => format!("{} carries out the call of {}: open", room(at), name(by)),
        Step::Refuse(at, by) => format!("{} refuses the call of {}", room(at), name(by)),
        Step::Lose(at, by) => format!("the call of {} to {} is lost", name(by), room(at)),
        Step::Taken(at) => format!("{} carries out the call that takes away: closed", room(at)),
        Step::LoseTaking(at) => format!("the call that takes away on {} is lost", room(at)),
    }
}

/// A state in one line.
#[must_use]
pub fn shown(rules: Rules, world: &World) -> String {
    let stand = if world.stands { "granted" } else { "withdrawn" };
    let lease = match world.newest {
        0 => "A",
        NOBODY => "-",
        _ => "B",
    };
    let mut line = format!("{stand}, lease {lease}");
    for (at, place) in world.places.iter().enumerate().take(usize::from(rules.platforms)) {
        let open = if place.open { "open" } else { "closed" };
        let mut told = vec![format!("; {}: {open}", at + 1)];
        if world.open > 0 {
            let confirmed = place.confirmed.count_ones();
            told.push(format!("{confirmed} of {} confirmed", world.open));
        }
        if place.giving != 0 {
            told.push("giving call under way".to_owned());
        }
        if place.taking {
            told.push("taking call under way".to_owned());
        }
        if place.intents != 0 {
            told.push("intent open".to_owned());
        }
        line.push_str(&told.join(", "));
    }
    line
}
