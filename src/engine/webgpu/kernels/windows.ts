/** Sliding windows, forward and transposed (see `convolve.ts`), as dense and depthwise convolutions use them. */

/** WGSL: where a window stands, what it sees there, and what becomes of its sum. */
export const GEOMETRY = `
fn cornerOf(place: vec2u) -> vec2i {
  if (args.transposed == 1u) { return vec2i(place + args.padding); }
  return vec2i(place * args.stride) - i32(args.padding);
}

fn sourceAt(sample: u32, corner: vec2i, tap: vec2u, quad: u32) -> vec4f {
  var at = vec2u(corner + vec2i(tap * args.dilation));
  if (args.transposed == 1u) {
    let reach = corner - vec2i(tap * args.dilation);
    at = vec2u(reach) / args.stride;
    if (reach.x < 0 || reach.y < 0 || any(at * args.stride != vec2u(reach))) { return vec4f(); }
  }
  if (at.x >= args.height || at.y >= args.width) { return vec4f(); }
  let value = source[((sample * args.height + at.x) * args.width + at.y) * args.quads + quad];
  return select(value, vec4f(), (value < vec4f()) & vec4<bool>(args.relu > args.transposed));
}

fn finished(value: vec4f, at: u32) -> vec4f {
  if (args.relu == 0u || args.transposed == 0u) { return value; }
  return select(vec4f(), value, image[at] > vec4f());
}`
