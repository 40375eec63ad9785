//! Random provable graphs.

use crate::onnx::{
	proto::tensor_proto::DataType, Attribute, Data, Dim, GraphWriter, Tensor, TensorType,
};
use ark_std::rand::{distributions::uniform::SampleRange, rngs::StdRng, Rng};

/// The operators that a graph can get, each as a step from `uint8` to `uint8`.
pub(super) const OPERATORS: [&str; 34] = [
	"Abs",
	"Add",
	"Add constant",
	"ArgMax",
	"Clip",
	"Comparison of bytes",
	"Concat",
	"ConvInteger",
	"ConvInteger 1-D",
	"Div",
	"Div tensors",
	"Expand",
	"Flatten",
	"Gather",
	"Gather table",
	"Identity",
	"MatMulInteger",
	"Max",
	"MaxPool",
	"MaxPool 1-D",
	"Min",
	"Mul constant",
	"Mul tensors",
	"Neg",
	"Neutral",
	"Pad",
	"ReduceMax",
	"ReduceSum",
	"Relu",
	"Resize",
	"Slice",
	"Split",
	"Squeeze",
	"Transpose",
];

/// The most elements of an activation.
const MOST: usize = 160;

/// A graph under construction, at a `uint8` value of four dimensions.
pub(super) struct Graphs<'r> {
	rng: &'r mut StdRng,
	graph: GraphWriter,
	names: usize,
	at: String,
	shape: Vec<usize>,
}

impl<'r> Graphs<'r> {
	pub(super) fn new(rng: &'r mut StdRng) -> Self {
		let shape = vec![1, rng.gen_range(1..4), rng.gen_range(1..6), rng.gen_range(1..6)];
		let mut graph = GraphWriter::new("random");
		let dims: Vec<Dim> = shape.iter().map(|&dim| Dim::Known(dim)).collect();
		graph.input("x", TensorType::U8, &dims);
		Self { rng, graph, names: 0, at: "x".into(), shape }
	}

	pub(super) fn random<T>(&mut self, range: impl SampleRange<T>) -> T
	where
		T: ark_std::rand::distributions::uniform::SampleUniform,
	{
		self.rng.gen_range(range)
	}

	pub(super) fn with_any(mut self) -> Self {
		let operator = OPERATORS[self.random(0..OPERATORS.len())];
		self.with(operator)
	}

	/// The model. Some end in `int32` scores.
	pub(super) fn finish(mut self) -> Vec<u8> {
		// Moves of the input alone are nothing to prove.
		let element = match self.rng.gen() {
			true => {
				self.at = self.weighted_sum();
				TensorType::I32
			},
			false => {
				let x = self.as_i32();
				self.rescale(&x);
				TensorType::U8
			},
		};
		let dims: Vec<Dim> = self.shape.iter().map(|&dim| Dim::Known(dim)).collect();
		let name = self.at.clone();
		self.graph.output(&name, element, &dims);
		// Int32 Relu came with 14; axes of ReduceMax are an operand from 18 on.
		let opset = self.random(14..18);
		self.graph.finish(opset)
	}

	fn name(&mut self) -> String {
		self.names += 1;
		format!("v{}", self.names)
	}

	fn constant(&mut self, dims: Vec<usize>, data: Data) -> String {
		let name = self.name();
		self.graph.constant(&name, &Tensor { dims, data });
		name
	}

	fn scalar_i32(&mut self, value: i32) -> String {
		self.constant(vec![], Data::I32(vec![value]))
	}

	fn list(&mut self, values: &[i64]) -> String {
		self.constant(vec![values.len()], Data::I64(values.to_vec()))
	}

	fn node(
		&mut self,
		operator: &str,
		inputs: &[&str],
		attributes: &[(&str, Attribute)],
	) -> String {
		let name = self.name();
		self.graph.node_with(operator, inputs, &[&name], attributes);
		name
	}

	fn cast(&mut self, from: &str, to: DataType) -> String {
		self.node("Cast", &[from], &[("to", Attribute::Int(to as i64))])
	}

	fn as_i32(&mut self) -> String {
		let at = self.at.clone();
		self.cast(&at, DataType::Int32)
	}

	/// Brings an `int32` value back to `uint8`.
	fn rescale(&mut self, value: &str) {
		let shift = self.random(0..10);
		let quotient = match shift {
			0 => value.into(),
			_ => {
				let divisor = self.scalar_i32(1 << shift);
				self.node("Div", &[value, &divisor], &[])
			},
		};
		let (lowest, highest) = (self.scalar_i32(0), self.scalar_i32(255));
		let clipped = self.node("Clip", &[&quotient, &lowest, &highest], &[]);
		self.at = self.cast(&clipped, DataType::Uint8);
	}

	fn weights(&mut self, dims: Vec<usize>) -> String {
		let count = dims.iter().product();
		let data = (0..count).map(|_| self.rng.gen()).collect();
		self.constant(dims, Data::U8(data))
	}

	fn random_i32(&mut self, dims: Vec<usize>, range: std::ops::Range<i32>) -> String {
		let count = dims.iter().product();
		let data = (0..count).map(|_| self.rng.gen_range(range.clone())).collect();
		self.constant(dims, Data::I32(data))
	}

	/// Dimensions that broadcast to those of the current value.
	fn broadcastable(&mut self) -> Vec<usize> {
		let shape = self.shape.clone();
		let from = self.random(0..=shape.len());
		shape[from..].iter().map(|&dim| if self.rng.gen() { dim } else { 1 }).collect()
	}

	/// The zero point of weights: one, none, or one for each of `columns`.
	fn weight_zero_point(&mut self, columns: usize) -> String {
		match self.random(0..4) {
			0 => String::new(),
			1 => self.constant(vec![], Data::U8(vec![128])),
			2 => {
				let zero = self.rng.gen();
				self.constant(vec![1], Data::U8(vec![zero]))
			},
			_ => {
				let zeros = (0..columns).map(|_| self.rng.gen()).collect();
				self.constant(vec![columns], Data::U8(zeros))
			},
		}
	}

	/// A matrix product over the last dimension, with a bias.
	fn weighted_sum(&mut self) -> String {
		let inner = *self.shape.last().expect("of rank four");
		let columns = self.random(1..5);
		let weights = self.weights(vec![inner, columns]);
		let zero_point = self.rng.gen();
		let zero_point = self.constant(vec![], Data::U8(vec![zero_point]));
		let middle = self.weight_zero_point(columns);
		let at = self.at.clone();
		let product = self.node("MatMulInteger", &[&at, &weights, &zero_point, &middle], &[]);
		*self.shape.last_mut().expect("of rank four") = columns;
		let bias = self.random_i32(vec![columns], -30_000..30_000);
		self.node("Add", &[&product, &bias], &[])
	}

	fn window(&mut self, sizes: &[usize]) -> (Vec<usize>, Vec<(&'static str, Attribute)>) {
		let ints = |values: &[usize]| Attribute::Ints(values.iter().map(|&x| x as i64).collect());
		let kernel: Vec<usize> = sizes.iter().map(|&size| self.random(1..=size.min(3))).collect();
		let strides: Vec<usize> = sizes.iter().map(|_| self.random(1..3)).collect();
		let mut attributes = vec![("strides", ints(&strides)), ("kernel_shape", ints(&kernel))];
		match self.random(0..4) {
			0 => {
				let pads: Vec<usize> =
					kernel.iter().chain(&kernel).map(|&size| self.random(0..size)).collect();
				attributes.push(("pads", ints(&pads)));
			},
			1 => attributes.push(("auto_pad", Attribute::Text("SAME_UPPER".into()))),
			2 => attributes.push(("auto_pad", Attribute::Text("SAME_LOWER".into()))),
			_ => {
				let dilation = sizes.iter().zip(&kernel).map(|(&size, &kernel)| {
					if kernel > 1 && (kernel - 1) * 2 < size {
						2
					} else {
						1
					}
				});
				attributes.push(("dilations", ints(&dilation.collect::<Vec<_>>())));
			},
		}
		(kernel, attributes)
	}

	/// Gives the current value the shape that a node of windows has left.
	fn slid(
		&self,
		sizes: &[usize],
		kernel: &[usize],
		attributes: &[(&str, Attribute)],
	) -> Vec<usize> {
		let ints = |name: &str| {
			attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| match value {
				Attribute::Ints(values) => values.iter().map(|&x| x as usize).collect::<Vec<_>>(),
				_ => Vec::new(),
			})
		};
		let rank = sizes.len();
		let strides = ints("strides").expect("always given");
		let dilations = ints("dilations").unwrap_or_else(|| vec![1; rank]);
		let pads = ints("pads").unwrap_or_else(|| vec![0; 2 * rank]);
		let same = attributes.iter().any(|(key, _)| *key == "auto_pad");
		(0..rank)
			.map(|axis| {
				let extent = (kernel[axis] - 1) * dilations[axis] + 1;
				match same {
					true => sizes[axis].div_ceil(strides[axis]),
					false => {
						(sizes[axis] + pads[axis] + pads[axis + rank] - extent) / strides[axis] + 1
					},
				}
			})
			.collect()
	}

	/// The same with places rounded up; nothing if a window would begin behind the elements.
	fn slid_up(
		&self,
		sizes: &[usize],
		kernel: &[usize],
		attributes: &[(&str, Attribute)],
	) -> Option<Vec<usize>> {
		let list = |name: &str, default: usize| -> Vec<usize> {
			match attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value) {
				Some(Attribute::Ints(values)) => values.iter().map(|&x| x as usize).collect(),
				_ => vec![default; 2 * sizes.len()],
			}
		};
		let (strides, dilations, pads) =
			(list("strides", 1), list("dilations", 1), list("pads", 0));
		(0..sizes.len())
			.map(|axis| {
				let extent = (kernel[axis] - 1) * dilations[axis] + 1;
				let before = sizes[axis] + pads[axis];
				let room = before + pads[axis + sizes.len()] - extent;
				let last = room.div_ceil(strides[axis]);
				(last * strides[axis] < before).then_some(last + 1)
			})
			.collect()
	}

	fn convolution(&mut self, flat: bool) -> String {
		let mut at = self.at.clone();
		let channels = self.shape[1];
		let mut sizes = self.shape[2..].to_vec();
		if flat {
			sizes = vec![sizes.iter().product()];
			let shape = self.list(&[1, channels as i64, sizes[0] as i64]);
			at = self.node("Reshape", &[&at, &shape], &[]);
		}
		let groups = if self.rng.gen() { channels } else { 1 };
		let outputs = groups * self.random(1..3);
		let (kernel, mut attributes) = self.window(&sizes);
		attributes.push(("group", Attribute::Int(groups as i64)));
		let dims = [outputs, channels / groups].into_iter().chain(kernel.iter().copied()).collect();
		let weights = self.weights(dims);
		let zero_point = self.rng.gen();
		let zero_point = self.constant(vec![], Data::U8(vec![zero_point]));
		let middle = self.weight_zero_point(1);
		let result = self.node("ConvInteger", &[&at, &weights, &zero_point, &middle], &attributes);
		let places = self.slid(&sizes, &kernel, &attributes);
		let ones = vec![1; places.len()];
		self.shape = [1, outputs].into_iter().chain(places).collect();
		let dims = std::iter::once(outputs).chain(ones).collect();
		let bias = self.random_i32(dims, -20_000..20_000);
		let sum = self.node("Add", &[&result, &bias], &[]);
		self.of_rank_four(sum)
	}

	fn pool(&mut self, flat: bool) -> String {
		let mut at = self.at.clone();
		let mut sizes = self.shape[2..].to_vec();
		if flat {
			sizes = vec![sizes.iter().product()];
			let shape = self.list(&[1, self.shape[1] as i64, sizes[0] as i64]);
			at = self.node("Reshape", &[&at, &shape], &[]);
		}
		let (kernel, mut attributes) = self.window(&sizes);
		let mut places = self.slid(&sizes, &kernel, &attributes);
		if attributes.iter().all(|(name, _)| *name != "auto_pad") && self.rng.gen() {
			if let Some(more) = self.slid_up(&sizes, &kernel, &attributes) {
				attributes.push(("ceil_mode", Attribute::Int(1)));
				places = more;
			}
		}
		let result = self.node("MaxPool", &[&at], &attributes);
		self.shape = [1, self.shape[1]].into_iter().chain(places).collect();
		self.of_rank_four(result)
	}

	/// Unsqueezes a value of three dimensions.
	fn of_rank_four(&mut self, value: String) -> String {
		match self.shape.len() {
			3 => {
				self.shape.push(1);
				let axes = self.list(&[-1]);
				self.node("Unsqueeze", &[&value, &axes], &[])
			},
			_ => value,
		}
	}

	/// Adds an operator.
	pub(super) fn with(mut self, operator: &str) -> Self {
		if self.shape.iter().product::<usize>() > MOST {
			let ends = self.list(&[1, 2]);
			let (starts, axes) = (self.list(&[0, 0]), self.list(&[2, 3]));
			let at = self.at.clone();
			self.at = self.node("Slice", &[&at, &starts, &ends, &axes], &[]);
			self.shape[2] = 1;
			self.shape[3] = self.shape[3].min(2);
		}
		let at = self.at.clone();
		let rank = self.shape.len();
		match operator {
			"ConvInteger" | "ConvInteger 1-D" => {
				let sums = self.convolution(operator == "ConvInteger 1-D");
				self.rescale(&sums);
			},
			"MatMulInteger" => {
				let sums = self.weighted_sum();
				self.rescale(&sums);
			},
			"MaxPool" | "MaxPool 1-D" => self.at = self.pool(operator == "MaxPool 1-D"),
			"Concat" => {
				let axis = self.random(1..rank);
				// Counted from the end as often.
				let along = axis as i64 - if self.rng.gen() { rank as i64 } else { 0 };
				let attributes = [("axis", Attribute::Int(along))];
				self.at = self.node("Concat", &[&at, &at], &attributes);
				self.shape[axis] *= 2;
			},
			"Expand" => {
				let axis = self.random(1..rank);
				let times = if self.shape[axis] == 1 { self.random(1..4) } else { 1 };
				let mut shape = vec![1i64; rank];
				shape[axis] = times as i64;
				let shape = self.list(&shape);
				self.at = self.node("Expand", &[&at, &shape], &[]);
				self.shape[axis] *= times;
			},
			"Flatten" => {
				let axis = self.random(0..=rank) as i64;
				let flat = self.node("Flatten", &[&at], &[("axis", Attribute::Int(axis))]);
				let shape = self.list(&[1, -1, self.shape[2] as i64, self.shape[3] as i64]);
				self.at = self.node("Reshape", &[&flat, &shape], &[]);
			},
			"Gather" => {
				let axis = self.random(1..rank);
				let size = self.shape[axis] as i64;
				let count = self.random(1..4);
				let indices: Vec<i64> = (0..count).map(|_| self.random(-size..size)).collect();
				let indices = self.list(&indices);
				let attributes = [("axis", Attribute::Int(axis as i64))];
				self.at = self.node("Gather", &[&at, &indices], &attributes);
				self.shape[axis] = count;
			},
			"Identity" => self.at = self.node("Identity", &[&at], &[]),
			"Pad" => {
				let pads: Vec<i64> =
					[0, 0, 1, 0, 0, 1, 0, 2].map(|most| self.random(0..=most)).into();
				// ONNX Runtime makes zeros pads of a MaxPool, which not every one admits.
				let fill = self.random(1..=u8::MAX);
				let fill = self.constant(vec![], Data::U8(vec![fill]));
				let mut modes = vec!["constant", "edge"];
				if self.shape[3] > 1 {
					modes.push("wrap");
				}
				if self.shape[1].min(self.shape[2]) > 1 && self.shape[3] > 2 {
					modes.push("reflect");
				}
				for axis in 0..rank {
					self.shape[axis] += (pads[axis] + pads[axis + rank]) as usize;
				}
				let mode = modes[self.random(0..modes.len())];
				let pads = self.list(&pads);
				let mode = [("mode", Attribute::Text(mode.into()))];
				self.at = self.node("Pad", &[&at, &pads, &fill], &mode);
			},
			"Comparison of bytes" => {
				let bytes: [u8; 2] = self.rng.gen();
				let [byte, other] = bytes.map(|byte| self.constant(vec![], Data::U8(vec![byte])));
				let operator = ["Max", "Min", "Clip", "ReduceMax"][self.random(0..4)];
				match operator {
					"ReduceMax" => {
						let axis = self.random(1..rank);
						self.shape[axis] = 1;
						let axes = [("axes", Attribute::Ints(vec![axis as i64]))];
						self.at = self.node(operator, &[&at], &axes);
					},
					_ => self.at = self.node(operator, &[&at, &byte, &other], &[]),
				}
			},
			"Resize" => {
				let factors: Vec<usize> = [1, 1, 3, 2].map(|most| self.random(1..=most)).into();
				let scales = Data::F32(factors.iter().map(|&k| k as f32).collect());
				let scales = self.constant(vec![rank], scales);
				let text = |value: &str| Attribute::Text(value.into());
				let modes = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
				let mode = modes[self.random(0..modes.len())];
				let place = ["half_pixel", "asymmetric"][self.random(0..2)];
				let attributes = [
					("mode", text("nearest")),
					("nearest_mode", text(mode)),
					("coordinate_transformation_mode", text(place)),
				];
				self.at = self.node("Resize", &[&at, "", &scales], &attributes);
				self.shape.iter_mut().zip(factors).for_each(|(dim, k)| *dim *= k);
			},
			"Slice" => {
				let axis = self.random(1..rank);
				let size = self.shape[axis] as i64;
				let start = self.random(0..size);
				let (end, step) = match self.rng.gen() {
					true => (self.random(start + 1..=size + 3), self.random(1..3)),
					false => (-size - 1, -1),
				};
				self.shape[axis] = match step {
					-1 => start + 1,
					step => (end.min(size) - start + step - 1) / step,
				} as usize;
				let lists = [start, end, axis as i64, step].map(|value| self.list(&[value]));
				let inputs: Vec<&str> =
					std::iter::once(&at).chain(&lists).map(String::as_str).collect();
				self.at = self.node("Slice", &inputs, &[]);
			},
			"Split" => {
				let axis = self.random(1..rank);
				let size = self.shape[axis];
				if size > 1 {
					let first = self.random(1..size);
					let sizes = self.list(&[first as i64, (size - first) as i64]);
					let (left, right) = (self.name(), self.name());
					let attributes = [("axis", Attribute::Int(axis as i64))];
					let outputs = [left.as_str(), right.as_str()];
					self.graph.node_with("Split", &[&at, &sizes], &outputs, &attributes);
					self.at = self.node("Concat", &[&right, &left], &attributes);
				}
			},
			"Squeeze" => {
				let first = self.list(&[0]);
				let squeezed = self.node("Squeeze", &[&at, &first], &[]);
				self.at = self.node("Unsqueeze", &[&squeezed, &first], &[]);
			},
			"Transpose" => {
				let orders = [[0, 1, 3, 2], [0, 2, 1, 3], [0, 3, 1, 2], [0, 3, 2, 1]];
				let order = orders[self.random(0..orders.len())];
				let attributes = [("perm", Attribute::Ints(order.map(|at| at as i64).into()))];
				self.at = self.node("Transpose", &[&at], &attributes);
				self.shape = order.iter().map(|&at| self.shape[at]).collect();
			},
			_ => {
				let result = self.integers(operator);
				self.rescale(&result);
			},
		}
		self
	}

	/// A value that can be negative.
	fn shifted(&mut self, value: &str) -> String {
		let offset = self.random_i32(vec![], -200..200);
		self.node("Add", &[value, &offset], &[])
	}

	/// An operator on `int32`.
	fn integers(&mut self, operator: &str) -> String {
		let x = self.as_i32();
		let plain = ["Add constant", "Div tensors", "Gather table"].contains(&operator);
		let signed = if plain { x.clone() } else { self.shifted(&x) };
		match operator {
			"Abs" | "Neg" => self.node(operator, &[&signed], &[]),
			"Neutral" => {
				let (zero, one) = (self.scalar_i32(0), self.scalar_i32(1));
				let same = match self.random(0..6) {
					0 => self.node("Add", &[&zero, &signed], &[]),
					1 => self.node("Sub", &[&signed, &zero], &[]),
					2 => self.node("Mul", &[&one, &signed], &[]),
					3 => self.node("Div", &[&signed, &one], &[]),
					4 => self.cast(&signed, DataType::Int32),
					_ => self.node("Identity", &[&signed], &[]),
				};
				self.node("Neg", &[&same], &[])
			},
			"Relu" => {
				// ONNX Runtime does not load a Clip right after it, or after an addition of 0.
				let positive = self.node(operator, &[&signed], &[]);
				let offset = self.random_i32(vec![], 1..200);
				self.node("Sub", &[&positive, &offset], &[])
			},
			"Add" => {
				let operator = ["Add", "Sub"][self.random(0..2)];
				self.node(operator, &[&x, &signed], &[])
			},
			"Add constant" => {
				let dims = self.broadcastable();
				let constant = self.random_i32(dims, -5_000..5_000);
				let operands = [[&x, &constant], [&constant, &x]][self.random(0..2)];
				let operator = ["Add", "Sub"][self.random(0..2)];
				self.node(operator, &operands.map(String::as_str), &[])
			},
			"Mul constant" => {
				let dims = self.broadcastable();
				let constant = self.random_i32(dims, -300..300);
				self.node("Mul", &[&signed, &constant], &[])
			},
			"Mul tensors" => self.node("Mul", &[&signed, &x], &[]),
			"Div" => {
				let dims = self.broadcastable();
				let divisors = self.random_i32(dims, 1..70);
				let quotient = self.node("Div", &[&signed, &divisors], &[]);
				let half = self.scalar_i32(64);
				self.node("Add", &[&quotient, &half], &[])
			},
			"Div tensors" => {
				let one = self.scalar_i32(1);
				let divisor = self.node("ReduceMax", &[&x], &[]);
				let divisor = self.node("Add", &[&divisor, &one], &[]);
				let scale = self.scalar_i32(255);
				let dividend = self.node("Mul", &[&x, &scale], &[]);
				self.node("Div", &[&dividend, &divisor], &[])
			},
			"Clip" => {
				// The limits may cross.
				let [lo, hi] = [-100..200, -20..250].map(|range| self.random(range));
				let [lo, hi] = [lo, hi].map(|limit| self.scalar_i32(limit));
				let inputs: [[&str; 3]; 3] =
					[[&signed, &lo, &hi], [&signed, &lo, ""], [&signed, "", &hi]];
				let inputs = inputs[self.random(0..3)];
				self.node("Clip", &inputs, &[])
			},
			"Max" | "Min" => {
				let dims = self.broadcastable();
				let constant = self.random_i32(dims, -100..300);
				let offset = self.scalar_i32(17);
				let other = self.node("Sub", &[&offset, &x], &[]);
				self.node(operator, &[&signed, &constant, &other], &[])
			},
			"ReduceMax" | "ReduceSum" => {
				let axis = self.random(1..self.shape.len());
				self.shape[axis] = 1;
				match operator {
					"ReduceMax" => {
						let axes = Attribute::Ints(vec![axis as i64]);
						self.node(operator, &[&signed], &[("axes", axes)])
					},
					_ => {
						let axes = self.list(&[axis as i64]);
						self.node(operator, &[&signed, &axes], &[])
					},
				}
			},
			"ArgMax" => {
				let axis = self.random(1..self.shape.len());
				self.shape[axis] = 1;
				let attributes = [("axis", Attribute::Int(axis as i64))];
				let index = self.node(operator, &[&signed], &attributes);
				self.cast(&index, DataType::Int32)
			},
			"Gather table" => {
				let table = match self.random(0..3) {
					// Saturating, as activation functions are.
					0 => (0..256).map(|x| (x * 3 - 200).clamp(0, 255)).collect(),
					1 => (0..256).map(|x| i32::from(x > 99)).collect(),
					_ => (0..256).map(|_| self.rng.gen_range(-500..500)).collect(),
				};
				let table = self.constant(vec![256], Data::I32(table));
				self.node("Gather", &[&table, &x], &[])
			},
			other => panic!("{other} is no operator of the list"),
		}
	}
}
