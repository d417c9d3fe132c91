//! User-defined functions over columns: a table calls a program with a batch of rows at a time, and
//! the program calls a function of the application's.
//!
//! `cargo run --example columns`

use osmia::embed::{Arg, Helper, Program, Returns, Sandbox};
use osmia::zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};
use osmia::{Error, Object};

const OBJECT: &[u8] = include_bytes!("columns.bpf.o");
const ROWS: usize = 256;

/// A part of the table, and room for a result, as `columns.bpf.c` declares it.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Batch {
    rows: u64,
    price: [i64; ROWS],
    count: [i64; ROWS],
    currency: [u64; ROWS],
    result: [i64; ROWS],
}

/// Columns of the same length.
struct Table {
    price: Vec<i64>,
    count: Vec<i64>,
    currency: Vec<u64>,
}

/// A function that the table's users wrote.
struct Function {
    program: Program<Batch>,
    worker: osmia::embed::Worker,
    batch: Box<Batch>,
}

impl Function {
    fn load(name: &str) -> Result<Self, Error> {
        let rate = Helper::own(1000, "rate", &[Arg::Scalar], Returns::Scalar);
        let rates = [1_000_000, 1_080_000, 6_200];
        let sandbox = Sandbox::builder()
            .helper(rate, move |call| match rates.get(call.number(1) as usize) {
                Some(rate) => Ok(*rate),
                None => Err(call.refuse(format!("knows no currency {}", call.number(1)))),
            })
            .build()?;
        let module = sandbox.load(&Object::from_bytes(OBJECT, "columns.bpf.o")?)?;
        Ok(Self {
            program: module.program(name)?,
            worker: sandbox.worker()?,
            batch: Box::new(Batch::new_zeroed()),
        })
    }

    /// The column that the function makes of a table.
    fn apply(&mut self, table: &Table) -> Result<Vec<i64>, Error> {
        let mut result = Vec::with_capacity(table.price.len());
        for start in (0..table.price.len()).step_by(ROWS) {
            let rows = start..table.price.len().min(start + ROWS);
            let batch = &mut *self.batch;
            batch.rows = rows.len() as u64;
            batch.price[..rows.len()].copy_from_slice(&table.price[rows.clone()]);
            batch.count[..rows.len()].copy_from_slice(&table.count[rows.clone()]);
            batch.currency[..rows.len()].copy_from_slice(&table.currency[rows.clone()]);
            self.program.run(&mut self.worker, batch)?;
            result.extend_from_slice(&batch.result[..rows.len()]);
        }
        Ok(result)
    }
}

fn table(rows: i64) -> Table {
    Table {
        price: (0..rows).map(|row| 100 * row).collect(),
        count: (0..rows).map(|row| row % 5).collect(),
        currency: (0..rows as u64).map(|row| row % 3).collect(),
    }
}

fn main() -> Result<(), Error> {
    let table = table(1000);
    for name in ["total", "in_our_currency"] {
        let column = Function::load(name)?.apply(&table)?;
        let sum: i64 = column.iter().sum();
        println!("{name:16} {:?} … sum {sum}", &column[..8]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Function, table};

    #[test]
    fn every_row_of_every_batch_is_computed() {
        let column = Function::load("total")
            .expect("it loads")
            .apply(&table(600));
        let column = column.expect("it runs");
        let expected: Vec<i64> = (0..600).map(|row| 100 * row * (row % 5)).collect();
        assert_eq!(column, expected);
    }

    #[test]
    fn the_function_of_the_application_is_called() {
        let mut function = Function::load("in_our_currency").expect("it loads");
        let column = function.apply(&table(5)).expect("it runs");
        assert_eq!(column, [0, 108, 2, 900, 1728]);
    }

    #[test]
    fn the_application_may_refuse_a_call() {
        let mut function = Function::load("in_our_currency").expect("it loads");
        let mut table = table(2);
        table.currency[1] = 9;
        let error = function.apply(&table).expect_err("no such currency");
        assert_eq!(error.to_string(), "rate knows no currency 9");
    }
}
