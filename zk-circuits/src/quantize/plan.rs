//! Which values become `uint8`, and which of their elements share a scale.
//!
//! A value that an addition, a comparison or an activation reads alone stays an accumulator: it is
//! rescaled together with its reader. Every other value is stored as `uint8`. Elements of stored
//! values share a scale only where an operator needs it: the channels of a convolution's input are
//! folded into its weights one by one, a table reads one scale, joined tensors keep theirs.

use super::{
	graph::Graph,
	operator::{concat_sources, lanes, Binary, Operator, Reduction},
	value::{broadcast_indices, elements},
};

/// Sets that can be united.
#[derive(Clone, Debug)]
pub(super) struct Sets(Vec<u32>);

impl Sets {
	fn new(count: usize) -> Self {
		Self((0..count as u32).collect())
	}

	pub(super) fn find(&mut self, x: usize) -> usize {
		let mut root = x as u32;
		while self.0[root as usize] != root {
			root = self.0[root as usize];
		}
		let mut at = x as u32;
		while at != root {
			at = std::mem::replace(&mut self.0[at as usize], root);
		}
		root as usize
	}

	fn unite(&mut self, a: usize, b: usize) {
		let (a, b) = (self.find(a), self.find(b));
		// The smaller index is kept, so that the result does not depend on the order.
		self.0[a.max(b)] = a.min(b) as u32;
	}
}

/// How a value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
	/// Stored, without arithmetic: the input, moves, pools and tables.
	Stored,
	/// Computed as an accumulator and stored as `uint8`.
	Rescaled,
	/// A part of the accumulator of its only reader.
	Inlined,
	/// The result: an accumulator that stays `int32`.
	Scores,
	/// A move after the scores.
	Trailing,
}

/// The plan for a graph.
#[derive(Debug)]
pub(super) struct Plan {
	pub(super) roles: Vec<Role>,
	/// The value that is given as the result, before trailing moves.
	pub(super) scores: usize,
	/// For each element of each value, the index of its class; classes are dense.
	pub(super) classes: Vec<Vec<u32>>,
	pub(super) class_count: usize,
	/// For each value, the value that stands for all that share its zero point.
	pub(super) zero_points: Vec<usize>,
	/// For each accumulator, for each element, the least element that is rescaled alike.
	pub(super) groups: Vec<Vec<u32>>,
}

/// Whether an operator gives an accumulator.
fn is_arithmetic(operator: &Operator) -> bool {
	match operator {
		Operator::MatMul { .. }
		| Operator::Conv { .. }
		| Operator::Affine { .. }
		| Operator::PRelu { .. }
		| Operator::MatMulPair
		| Operator::AveragePool { .. } => true,
		Operator::Scalar(scalar) => scalar.is_piecewise_linear(),
		Operator::Binary(binary) => {
			matches!(binary, Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min)
		},
		Operator::Reduce { reduction, .. } => {
			matches!(reduction, Reduction::Sum | Reduction::Mean)
		},
		_ => false,
	}
}

/// Whether an operator computes on the accumulators of its operands.
pub(super) fn combines(operator: &Operator) -> bool {
	match operator {
		Operator::Binary(binary) => *binary != Binary::Mul && is_arithmetic(operator),
		Operator::Scalar(_) => is_arithmetic(operator),
		Operator::Affine { scale, .. } => scale.uniform() == Some(1.0),
		Operator::PRelu { .. } => true,
		_ => false,
	}
}

impl Plan {
	pub(super) fn new(graph: &Graph) -> Self {
		let readers = graph.readers();
		let mut scores = graph.output;
		let mut roles = vec![Role::Stored; graph.nodes.len()];
		while matches!(graph.nodes[scores].operator, Operator::Move(_) | Operator::ArgMax { .. })
			&& readers[scores].len() == 1
			&& readers[graph.nodes[scores].inputs[0]].len() == 1
			&& graph.nodes[scores].inputs[0] != 0
			&& !matches!(
				&graph.nodes[scores].operator,
				Operator::Move(super::operator::Move::Pad { .. })
			) {
			roles[scores] = Role::Trailing;
			scores = graph.nodes[scores].inputs[0];
		}
		for (index, node) in graph.nodes.iter().enumerate() {
			if !is_arithmetic(&node.operator) || roles[index] == Role::Trailing {
				continue;
			}
			roles[index] = match readers[index][..] {
				[_] if index == scores => Role::Scores,
				[reader]
					if reader < graph.nodes.len()
						&& combines(&graph.nodes[reader].operator)
						&& is_arithmetic(&graph.nodes[reader].operator)
						&& !matches!(node.operator, Operator::PRelu { .. })
						&& !graph.ranges.contains_key(&index) =>
				{
					Role::Inlined
				},
				_ => Role::Rescaled,
			};
		}
		let mut plan = Self {
			roles,
			scores,
			classes: Vec::new(),
			class_count: 0,
			zero_points: Vec::new(),
			groups: vec![Vec::new(); graph.nodes.len()],
		};
		plan.unite(graph);
		plan
	}

	/// For each class, the value that alone computes its elements; others only move them.
	pub(super) fn sole_producers(&self, graph: &Graph) -> Vec<Option<usize>> {
		let mut producers = vec![Vec::new(); self.class_count];
		for (index, node) in graph.nodes.iter().enumerate() {
			let moves = matches!(
				node.operator,
				Operator::Move(_) | Operator::Concat { .. } | Operator::MaxPool { .. }
			);
			if !moves && matches!(self.roles[index], Role::Stored | Role::Rescaled) {
				for &class in &self.classes[index] {
					let list = &mut producers[class as usize];
					if list.last() != Some(&index) {
						list.push(index);
					}
				}
			}
		}
		producers.iter().map(|list| if let [one] = list[..] { Some(one) } else { None }).collect()
	}

	/// The linear operators among the terms of an accumulator.
	fn linear_terms(&self, graph: &Graph, root: usize) -> Vec<usize> {
		let node = &graph.nodes[root];
		match node.operator {
			Operator::MatMul { .. } | Operator::Conv { .. } => vec![root],
			ref operator if combines(operator) => node
				.inputs
				.iter()
				.filter(|&&input| self.roles[input] == Role::Inlined)
				.flat_map(|&input| self.linear_terms(graph, input))
				.collect(),
			_ => Vec::new(),
		}
	}

	fn unite(&mut self, graph: &Graph) {
		let mut starts = Vec::with_capacity(graph.nodes.len());
		let mut count = 0;
		for node in &graph.nodes {
			starts.push(count);
			count += elements(&node.dims);
		}
		let mut sets = Sets::new(count);
		let mut zero_points = Sets::new(graph.nodes.len());
		for (index, node) in graph.nodes.iter().enumerate() {
			let size = elements(&node.dims);
			let start = starts[index];
			if matches!(self.roles[index], Role::Rescaled | Role::Scores) {
				self.group(graph, index, &starts, &mut sets);
				for (element, &other) in self.groups[index].iter().enumerate() {
					sets.unite(start + element, start + other as usize);
				}
			}
			// A table or a softmax gives all its results at one scale.
			let one_scale = self.roles[index] == Role::Stored
				&& matches!(
					node.operator,
					Operator::Function(_) | Operator::Scalar(_) | Operator::Softmax { .. }
				);
			if index == self.scores || index == 0 || one_scale {
				(1..size).for_each(|element| sets.unite(start, start + element));
			}
			let input = |at: usize| node.inputs[at];
			let dims = |at: usize| &graph.nodes[input(at)].dims[..];
			let stored =
				|at: usize| (self.roles[input(at)] != Role::Inlined).then_some(starts[input(at)]);
			// Elements of operand `at` that share a key must share a scale.
			let mut alike = |at: usize, keys: &[usize]| {
				if let Some(start) = stored(at) {
					let mut first = vec![None; keys.iter().max().map_or(0, |key| key + 1)];
					for (element, &key) in keys.iter().enumerate() {
						match first[key] {
							None => first[key] = Some(element),
							Some(other) => sets.unite(start + element, start + other),
						}
					}
				}
			};
			let channel = |dims: &[usize], axis: usize| -> Vec<usize> {
				let inner: usize = dims[axis + 1..].iter().product();
				(0..elements(dims)).map(|element| element / inner % dims[axis]).collect()
			};
			let lane = |dims: &[usize], axis: usize| -> Vec<usize> {
				let mut keys = vec![0; elements(dims)];
				for (key, lane) in lanes(dims, axis).enumerate() {
					lane.into_iter().for_each(|element| keys[element] = key);
				}
				keys
			};
			match &node.operator {
				Operator::MatMul { .. } => alike(0, &channel(dims(0), dims(0).len() - 1)),
				Operator::Conv { .. } | Operator::AveragePool { .. } => {
					alike(0, &channel(dims(0), 1));
				},
				Operator::MaxPool { .. } => {
					let keys = channel(dims(0), 1);
					alike(0, &keys);
					let places = size / node.dims[1];
					let area = keys.len() / node.dims[1];
					for element in 0..size {
						sets.unite(start + element, starts[input(0)] + element / places * area);
					}
					zero_points.unite(index, input(0));
				},
				Operator::Function(_) => alike(0, &vec![0; elements(dims(0))]),
				Operator::Scalar(_) if self.roles[index] == Role::Stored => {
					alike(0, &vec![0; elements(dims(0))]);
				},
				Operator::Softmax { .. } => alike(0, &vec![0; elements(dims(0))]),
				Operator::Reduce { reduction, .. } => {
					let keys = broadcast_indices(&node.dims, dims(0));
					alike(0, &keys);
					if *reduction == Reduction::Max {
						for (element, key) in keys.into_iter().enumerate() {
							sets.unite(start + key, starts[input(0)] + element);
						}
						zero_points.unite(index, input(0));
					}
				},
				Operator::MatMulPair => {
					let rank = dims(0).len();
					alike(0, &lane(dims(0), rank - 1));
					let rank = dims(1).len();
					alike(1, &lane(dims(1), rank - 2));
				},
				Operator::Move(to) if self.roles[index] == Role::Stored => {
					for (element, source) in to.sources(dims(0)).into_iter().enumerate() {
						if let Some(source) = source {
							sets.unite(start + element, starts[input(0)] + source);
						}
					}
					zero_points.unite(index, input(0));
				},
				Operator::Concat { axis } => {
					let all = node.inputs.iter().map(|&input| &graph.nodes[input].dims[..]);
					for (element, (operand, source)) in
						concat_sources(all, *axis).into_iter().enumerate()
					{
						sets.unite(start + element, starts[input(operand)] + source);
					}
					node.inputs.iter().for_each(|&input| zero_points.unite(index, input));
				},
				_ => {},
			}
		}
		let mut dense = vec![u32::MAX; count];
		let mut classes = Vec::with_capacity(graph.nodes.len());
		for (node, &start) in graph.nodes.iter().zip(&starts) {
			let list = (0..elements(&node.dims)).map(|element| {
				let root = sets.find(start + element);
				if dense[root] == u32::MAX {
					dense[root] = self.class_count as u32;
					self.class_count += 1;
				}
				dense[root]
			});
			classes.push(list.collect());
		}
		self.classes = classes;
		self.zero_points = (0..graph.nodes.len()).map(|index| zero_points.find(index)).collect();
	}

	/// Which elements of an accumulator are rescaled alike: those of one filter, and, where there
	/// are none, those whose operands have the same scales.
	fn group(&mut self, graph: &Graph, root: usize, starts: &[usize], sets: &mut Sets) {
		let dims = &graph.nodes[root].dims;
		let size = elements(dims);
		let mut groups = Sets::new(size);
		let linear = self.linear_terms(graph, root);
		if self.roles[root] == Role::Scores {
			(1..size).for_each(|element| groups.unite(0, element));
		}
		for &term in &linear {
			let node = &graph.nodes[term];
			let axis = match node.operator {
				Operator::MatMul { .. } => node.dims.len() - 1,
				_ => 1,
			};
			let inner: usize = node.dims[axis + 1..].iter().product();
			let mut first = vec![None; node.dims[axis]];
			for (element, source) in broadcast_indices(&node.dims, dims).into_iter().enumerate() {
				match first[source / inner % node.dims[axis]] {
					ref mut place @ None => *place = Some(element),
					Some(other) => groups.unite(other, element),
				}
			}
		}
		if linear.is_empty() {
			let mut keys = std::collections::BTreeMap::new();
			let terms = self.terms(graph, root);
			let maps: Vec<(usize, Vec<usize>)> = terms
				.iter()
				.filter(|&&term| broadcast_indices_fit(&graph.nodes[term].dims, dims))
				.map(|&term| (starts[term], broadcast_indices(&graph.nodes[term].dims, dims)))
				.collect();
			let whole = maps.len() < terms.len();
			for element in 0..size {
				let mut key: Vec<usize> =
					maps.iter().map(|(start, map)| sets.find(start + map[element])).collect();
				if whole {
					// A pool or a product of matrices: by channel.
					let axis = usize::from(dims.len() > 2);
					let inner: usize = dims.get(axis + 1..).unwrap_or_default().iter().product();
					key.push(element / inner.max(1) % dims.get(axis).copied().unwrap_or(1));
				}
				match keys.entry(key) {
					std::collections::btree_map::Entry::Vacant(entry) => {
						entry.insert(element);
					},
					std::collections::btree_map::Entry::Occupied(entry) => {
						groups.unite(*entry.get(), element);
					},
				}
			}
		}
		self.groups[root] = (0..size).map(|element| groups.find(element) as u32).collect();
	}

	/// The stored values that an accumulator is computed from.
	fn terms(&self, graph: &Graph, root: usize) -> Vec<usize> {
		graph.nodes[root]
			.inputs
			.iter()
			.flat_map(|&input| match self.roles[input] {
				Role::Inlined => self.terms(graph, input),
				_ => vec![input],
			})
			.collect()
	}
}

/// Whether a shape broadcasts to another.
fn broadcast_indices_fit(from: &[usize], to: &[usize]) -> bool {
	super::value::broadcast(from, to).is_some_and(|wide| wide == to)
}
