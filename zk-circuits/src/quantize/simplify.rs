//! Rewriting a float graph into one that is cheaper to prove and computes the same.

use super::{
	graph::Graph,
	operator::{Binary, Function, Move, Operator, Scalar},
	value::{broadcast, Value},
};
use std::sync::Arc;

/// The most operators that are made into one table.
const MAX_FUNCTION: usize = 256;

/// Simplifies the graph; returns what is worth knowing.
pub(super) fn simplify(graph: &mut Graph) -> Vec<String> {
	let notes = drop_softmax(graph);
	drop_identities(graph);
	while fold_back(graph) || fold_forward(graph) || push_down(graph) {
		graph.prune();
	}
	fuse_functions(graph);
	separate_input(graph);
	graph.prune();
	notes
}

/// A softmax that only the output reads keeps the order of scores.
fn drop_softmax(graph: &mut Graph) -> Vec<String> {
	let readers = graph.readers();
	let mut at = graph.output;
	while readers[at].len() == 1 {
		let node = &graph.nodes[at];
		match node.operator {
			Operator::Move(Move::Reshape(_) | Move::Transpose(_)) => at = node.inputs[0],
			Operator::Softmax { .. } => {
				let note = format!(
					"the trailing {} '{}' was dropped: the scores have the same order",
					node.onnx, node.name
				);
				let input = node.inputs[0];
				graph.redirect(at, input);
				return vec![note];
			},
			_ => break,
		}
	}
	Vec::new()
}

fn drop_identities(graph: &mut Graph) {
	for index in 1..graph.nodes.len() {
		if let Operator::Affine { scale, shift } = &graph.nodes[index].operator {
			if scale.uniform() == Some(1.0) && shift.uniform() == Some(0.0) {
				let input = graph.nodes[index].inputs[0];
				graph.redirect(index, input);
			}
		}
	}
	graph.prune();
}

/// The value of a constant for each index of an axis, if it depends on that axis only.
fn along(constant: &Value, dims: &[usize], axis: usize) -> Option<Vec<f64>> {
	let inner: usize = dims[axis + 1..].iter().product();
	let wide = constant.spread(dims);
	let row: Vec<f64> = (0..dims[axis]).map(|index| wide[index * inner]).collect();
	let same = wide.iter().enumerate().all(|(at, &x)| x == row[at / inner % dims[axis]]);
	same.then_some(row)
}

/// Folds an affine function into the operator before it, if nothing else reads that.
fn fold_back(graph: &mut Graph) -> bool {
	let readers = graph.readers();
	for index in 1..graph.nodes.len() {
		let node = &graph.nodes[index];
		let Operator::Affine { scale, shift } = &node.operator else { continue };
		let before = node.inputs[0];
		if readers[before].len() != 1 || graph.ranges.contains_key(&before) {
			continue;
		}
		let dims = &graph.nodes[before].dims;
		let folded = match &graph.nodes[before].operator {
			Operator::Affine { scale: a, shift: b } => combine(a, b, scale, shift),
			Operator::MatMul { weights, columns, bias } => {
				let axis = dims.len() - 1;
				along(scale, dims, axis).zip(along(shift, dims, axis)).map(|(scale, shift)| {
					let weights =
						weights.iter().enumerate().map(|(k, w)| w * scale[k % columns]).collect();
					let bias = affine(bias, &scale, &shift);
					Operator::MatMul { weights, columns: *columns, bias }
				})
			},
			Operator::Conv { weights, bias, group, window } => {
				along(scale, dims, 1).zip(along(shift, dims, 1)).map(|(scale, shift)| {
					let each = weights.len() / bias.len();
					let weights =
						weights.iter().enumerate().map(|(k, w)| w * scale[k / each]).collect();
					let bias = affine(bias, &scale, &shift);
					Operator::Conv { weights, bias, group: *group, window: window.clone() }
				})
			},
			_ => None,
		};
		if let Some(operator) = folded {
			graph.nodes[before].operator = operator;
			graph.redirect(index, before);
			return true;
		}
	}
	false
}

fn affine(x: &[f64], scale: &[f64], shift: &[f64]) -> Vec<f64> {
	x.iter().zip(scale).zip(shift).map(|((x, a), b)| x * a + b).collect()
}

/// `(x · a + b) · scale + shift` as one affine function.
fn combine(a: &Value, b: &Value, scale: &Value, shift: &Value) -> Option<Operator> {
	let dims = [b, scale, shift]
		.iter()
		.try_fold(a.dims.clone(), |dims, value| broadcast(&dims, &value.dims))?;
	let [a, b, scale, shift] = [a, b, scale, shift].map(|value| value.spread(&dims));
	let product = a.iter().zip(&scale).map(|(a, s)| a * s).collect();
	let sum = affine(&b, &scale, &shift);
	Some(Operator::Affine { scale: Value::new(&dims, product), shift: Value::new(&dims, sum) })
}

/// Folds an affine function into the linear operators that read it, if nothing else does.
fn fold_forward(graph: &mut Graph) -> bool {
	for (index, readers) in graph.readers().into_iter().enumerate().skip(1) {
		let node = &graph.nodes[index];
		let Operator::Affine { scale, shift } = &node.operator else { continue };
		let rewritten: Option<Vec<(usize, Operator)>> = readers
			.iter()
			.map(|&reader| {
				let operator = match &graph.nodes.get(reader)?.operator {
					Operator::MatMul { weights, columns, bias } => {
						let axis = node.dims.len() - 1;
						let scale = along(scale, &node.dims, axis)?;
						let shift = along(shift, &node.dims, axis)?;
						let mut bias = bias.clone();
						for (k, w) in weights.iter().enumerate() {
							bias[k % columns] += w * shift[k / columns];
						}
						let weights = weights
							.iter()
							.enumerate()
							.map(|(k, w)| w * scale[k / columns])
							.collect();
						Operator::MatMul { weights, columns: *columns, bias }
					},
					Operator::Conv { weights, bias, group, window } => {
						let padded = window.before != [0; 2] || window.after != [0; 2];
						if padded && shift.uniform() != Some(0.0) {
							return None;
						}
						let scale = along(scale, &node.dims, 1)?;
						let shift = along(shift, &node.dims, 1)?;
						let kernel = window.kernel[0] * window.kernel[1];
						let channels = node.dims[1] / group;
						let filters = bias.len() / group;
						let channel = |k: usize| {
							let filter = k / kernel / channels;
							filter / filters * channels + k / kernel % channels
						};
						let mut bias = bias.clone();
						for (k, w) in weights.iter().enumerate() {
							bias[k / kernel / channels] += w * shift[channel(k)];
						}
						let weights = weights
							.iter()
							.enumerate()
							.map(|(k, w)| w * scale[channel(k)])
							.collect();
						Operator::Conv { weights, bias, group: *group, window: window.clone() }
					},
					_ => return None,
				};
				Some((reader, operator))
			})
			.collect();
		if let Some(rewritten) = rewritten.filter(|list| !list.is_empty()) {
			let input = node.inputs[0];
			for (reader, operator) in rewritten {
				graph.nodes[reader].operator = operator;
			}
			graph.redirect(index, input);
			return true;
		}
	}
	false
}

/// Moves an affine function with one scale and shift past the only move that reads it, towards a
/// linear operator.
fn push_down(graph: &mut Graph) -> bool {
	for (index, readers) in graph.readers().into_iter().enumerate().skip(1) {
		let Operator::Affine { scale, shift } = &graph.nodes[index].operator else { continue };
		let [reader] = readers[..] else { continue };
		let Some(next) = graph.nodes.get(reader) else { continue };
		let (Some(a), Some(b)) = (scale.uniform(), shift.uniform()) else { continue };
		let passes = match &next.operator {
			Operator::Move(Move::Pad { value, .. }) => b == 0.0 && *value == 0.0,
			Operator::Move(_) => true,
			Operator::MaxPool { .. } => a > 0.0,
			_ => false,
		};
		if passes && !graph.ranges.contains_key(&index) && !graph.ranges.contains_key(&reader) {
			let affine = Operator::Affine { scale: Value::scalar(a), shift: Value::scalar(b) };
			let moved = std::mem::replace(&mut graph.nodes[reader].operator, affine);
			graph.nodes[index].operator = moved;
			graph.nodes[index].dims = graph.nodes[reader].dims.clone();
			return true;
		}
	}
	false
}

/// What a value is as a function of one other value.
#[derive(Clone)]
struct Pointwise {
	source: usize,
	function: Arc<Function>,
	size: usize,
	/// Whether it takes a table: there is no arithmetic pattern for it.
	table: bool,
}

/// Makes every chain of operators on one tensor and numbers into one function, where it is not
/// piecewise linear.
fn fuse_functions(graph: &mut Graph) {
	let mut pointwise: Vec<Option<Pointwise>> = vec![None; graph.nodes.len()];
	for index in 1..graph.nodes.len() {
		let node = &graph.nodes[index];
		let of = |input: usize| {
			pointwise[input].clone().unwrap_or(Pointwise {
				source: input,
				function: Arc::new(Function::X),
				size: 1,
				table: false,
			})
		};
		let scalar = |scalar: Scalar, x: Pointwise| Pointwise {
			table: x.table || !scalar.is_piecewise_linear(),
			function: Arc::new(Function::Scalar(scalar, x.function)),
			size: x.size + 1,
			source: x.source,
		};
		let with = |binary: Binary, x: Pointwise, c: f64| Pointwise {
			function: Arc::new(Function::Binary(
				binary,
				x.function,
				Arc::new(Function::Constant(c)),
			)),
			size: x.size + 2,
			..x
		};
		let result = match &node.operator {
			Operator::Scalar(s) => Some(scalar(s.clone(), of(node.inputs[0]))),
			Operator::PRelu { slope } => slope.uniform().map(|slope| {
				let x = of(node.inputs[0]);
				Pointwise { table: x.table, ..scalar(Scalar::Leaky(slope), x) }
			}),
			Operator::Affine { scale, shift } => match (scale.uniform(), shift.uniform()) {
				(Some(a), Some(b)) => {
					let scaled = match a == 1.0 {
						true => of(node.inputs[0]),
						false => with(Binary::Mul, of(node.inputs[0]), a),
					};
					Some(if b == 0.0 { scaled } else { with(Binary::Add, scaled, b) })
				},
				_ => None,
			},
			Operator::Binary(binary) => {
				let (a, b) = (of(node.inputs[0]), of(node.inputs[1]));
				let additive =
					matches!(binary, Binary::Add | Binary::Sub | Binary::Max | Binary::Min);
				let same = a.source == b.source
					&& graph.nodes[node.inputs[0]].dims == graph.nodes[node.inputs[1]].dims;
				same.then(|| Pointwise {
					source: a.source,
					function: Arc::new(Function::Binary(*binary, a.function, b.function)),
					size: a.size + b.size + 1,
					table: a.table || b.table || !additive,
				})
			},
			_ => None,
		};
		pointwise[index] = result.filter(|result| result.size <= MAX_FUNCTION);
	}
	for (node, pointwise) in graph.nodes.iter_mut().zip(pointwise) {
		if let Some(pointwise) = pointwise.filter(|pointwise| pointwise.table) {
			node.operator = Operator::Function((*pointwise.function).clone());
			node.inputs = vec![pointwise.source];
		}
	}
}

/// Puts a copy between the input and a `Concat` that it reaches by moves alone: the input's scale
/// is fixed, and what is joined with it needs its own.
fn separate_input(graph: &mut Graph) {
	let mut from_input = vec![true];
	for index in 1..graph.nodes.len() {
		let node = &graph.nodes[index];
		let passes = matches!(node.operator, Operator::Move(_) | Operator::MaxPool { .. });
		from_input.push(passes && from_input[node.inputs[0]]);
	}
	let mut index = 1;
	while index < graph.nodes.len() {
		if matches!(graph.nodes[index].operator, Operator::Concat { .. }) {
			for at in 0..graph.nodes[index].inputs.len() {
				let input = graph.nodes[index].inputs[at];
				if !from_input[input] {
					continue;
				}
				let mut copy = graph.nodes[input].clone();
				copy.name = format!("{}.copy{at}", graph.nodes[index].name);
				copy.operator =
					Operator::Affine { scale: Value::scalar(1.0), shift: Value::scalar(0.0) };
				copy.inputs = vec![input];
				insert(graph, index, copy);
				from_input.insert(index, false);
				index += 1;
				graph.nodes[index].inputs[at] = index - 1;
			}
		}
		index += 1;
	}
}

/// Inserts a node, so that it gets the index `at`.
fn insert(graph: &mut Graph, at: usize, node: super::graph::Node) {
	let moved = |value: &mut usize| {
		if *value >= at {
			*value += 1;
		}
	};
	graph.nodes.iter_mut().flat_map(|node| &mut node.inputs).for_each(moved);
	moved(&mut graph.output);
	graph.ranges = std::mem::take(&mut graph.ranges)
		.into_iter()
		.map(|(mut value, range)| {
			moved(&mut value);
			(value, range)
		})
		.collect();
	graph.nodes.insert(at, node);
}
