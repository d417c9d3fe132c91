//! Chains of calls, each with a number: what a frame says about how it came to run.

use std::collections::HashMap;

/// A function in one chain of calls.
pub(crate) type ChainId = usize;

/// A function as called by one chain of calls.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// The calls that led here, the entry's first.
    pub(crate) calls: Vec<usize>,
    /// The caller's chain.
    pub(crate) outer: Option<ChainId>,
    pub(crate) function: usize,
}

/// All chains met so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chains {
    chains: Vec<Chain>,
    known: HashMap<(Vec<usize>, usize), ChainId>,
}

impl Chains {
    /// The chain of a function that these calls lead to.
    pub(crate) fn find(
        &mut self,
        outer: Option<ChainId>,
        call: Option<usize>,
        function: usize,
    ) -> ChainId {
        let mut calls = outer.map_or(Vec::new(), |outer| self.chains[outer].calls.clone());
        calls.extend(call);
        let key = (calls, function);
        if let Some(&id) = self.known.get(&key) {
            return id;
        }
        let id = self.chains.len();
        self.chains.push(Chain {
            calls: key.0.clone(),
            outer,
            function,
        });
        self.known.insert(key, id);
        id
    }

    /// A chain by its number.
    pub(crate) fn chain(&self, id: ChainId) -> &Chain {
        &self.chains[id]
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.chains.len()
    }
}
