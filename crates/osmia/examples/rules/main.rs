//! A rules engine for records: every rule is a program, called with a record of the application's.
//!
//! `cargo run --example rules`

use osmia::embed::{Map, Program, Sandbox, Worker};
use osmia::zerocopy::{FromBytes, Immutable, IntoBytes};
use osmia::{Error, Object};

/// The record, as `rules.bpf.c` declares it.
#[derive(Clone, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Payment {
    account: u32,
    country: u32,
    cents: u64,
    score: u32,
    reason: u32,
}

const OBJECT: &[u8] = include_bytes!("rules.bpf.o");

/// Rules that are ready, and what they share with the application.
struct Rules {
    rules: Vec<Program<Payment>>,
    limits: Map<u32, u64>,
    worker: Worker,
}

impl Rules {
    fn load() -> Result<Self, Error> {
        let sandbox = Sandbox::new()?;
        let module = sandbox.load(&Object::from_bytes(OBJECT, "rules.bpf.o")?)?;
        let names: Vec<String> = module.programs().map(str::to_owned).collect();
        let rules = names.iter().map(|name| module.program(name));
        Ok(Self {
            rules: rules.collect::<Result<_, Error>>()?,
            limits: module.map("limits")?,
            worker: sandbox.worker()?,
        })
    }

    /// Lets every rule look at a payment, and gives the names of those that apply.
    fn judge(&mut self, payment: &mut Payment) -> Result<Vec<&str>, Error> {
        let mut applied = Vec::new();
        for rule in &self.rules {
            if rule.run(&mut self.worker, payment)? == 1 {
                applied.push(rule.name());
            }
        }
        Ok(applied)
    }
}

fn report() -> Result<String, Error> {
    let mut rules = Rules::load()?;
    rules.limits.set(&7, &50_000)?;
    let payments = [
        (7, 49, 12_000),
        (7, 49, 80_000),
        (8, 81, 900),
        (7, 49, 100),
        (7, 33, 60_000),
    ];
    let mut report = String::new();
    for (account, country, cents) in payments {
        let mut payment = Payment {
            account,
            country,
            cents,
            score: 0,
            reason: 0,
        };
        let applied = rules.judge(&mut payment)?.join(", ");
        let score = payment.score;
        report += &format!("account {account} pays {cents:>6}: {score:>2} {applied}\n");
    }
    Ok(report)
}

fn main() -> Result<(), Error> {
    print!("{}", report()?);
    Ok(())
}

#[test]
fn rules_add_up() {
    let expected = "\
account 7 pays  12000:  0 
account 7 pays  80000: 40 large
account 8 pays    900: 20 abroad
account 7 pays    100:  0 
account 7 pays  60000: 90 abroad, large, often
";
    assert_eq!(report().expect("the rules run"), expected);
}
