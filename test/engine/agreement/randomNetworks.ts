/**
 * Draws small networks with all kinds of layers in any order, at the limits of what is allowed: one pixel, one channel,
 * one class, one sample, channel counts that are no multiple of four, odd sizes, switched-off paths, and mixing weights
 * that are 0, negative or large.
 */
import type { Feed, Mode, Objective } from '../../../src/core/executor.ts'
import type { Network, Value, ValueId, Window } from '../../../src/core/network.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { type RandomStream, random } from '../../../src/core/random.ts'
import { feedFor, type Request } from './run.ts'

/** Returns a random network and a request for it, both determined by the seed. */
export function randomCase(seed: number): { readonly network: Network; readonly request: Request } {
  const stream = random(seed, 'network')
  const network = new Sketch(stream).draw(`random network ${seed}`)
  return { network, request: drawRequest(network, stream) }
}

const pick = <T>(stream: RandomStream, items: readonly T[]): T => items[stream.integer(items.length)]

class Sketch {
  readonly #stream: RandomStream
  readonly #builder: NetworkBuilder
  readonly #values: ValueId[]
  #coefficients = 0
  #names = 0

  constructor(stream: RandomStream) {
    const extent = () => 1 + stream.integer(7)
    this.#stream = stream
    this.#builder = new NetworkBuilder({ height: extent(), width: extent(), channels: 1 + stream.integer(5) })
    this.#values = [this.#convolve(this.#builder.input)]
  }

  draw(name: string): Network {
    const builder = this.#builder
    const layers = 3 + this.#stream.integer(10)
    for (let i = 0; i < layers; i++) this.#values.push(this.#layer(this.#any()))
    const features = this.#values[this.#values.length - 1]
    const classes = 1 + this.#stream.integer(7)
    const heads = [{ logits: this.#classify(features, classes), lossWeight: 1 }]
    if (this.#draw(4) === 0) heads.push({ logits: this.#classify(this.#any(), classes), lossWeight: 0.4 })
    return builder.build({ name, heads, features })
  }

  #layer(x: ValueId): ValueId {
    const builder = this.#builder
    const { height, width, channels } = builder.value(x)
    const kinds: readonly (() => ValueId)[] = [
      () => this.#convolve(x),
      () => this.#convolve(builder.relu(x)),
      () => builder.batchNorm(this.#convolve(x), this.#norm(), this.#name()),
      () => builder.depthwiseConv(builder.relu(x), this.#window(builder.value(x)), this.#name()),
      () => builder.batchNorm(x, this.#norm(), this.#name()),
      () => builder.relu(x),
      () => builder.pool(pick(this.#stream, ['avgPool', 'maxPool']), x, this.#pooling(builder.value(x))),
      () => builder.slice(x, this.#draw(channels), 1),
      () => builder.shuffle(x, channels % 3 === 0 ? 3 : channels),
      () => builder.dropPath(x),
      () => builder.concat([x, this.#alike(x, false)]),
      () => builder.sum([x, this.#alike(x, true), x]),
      () => (Math.min(height, width) > 1 ? builder.crop(x, 1) : builder.relu(x)),
      () => this.#mix(x),
      () => this.#mix(x),
    ]
    return pick(this.#stream, kinds)()
  }

  #mix(x: ValueId): ValueId {
    const builder = this.#builder
    const place = builder.value(x)
    const normalised = () =>
      builder.batchNorm(builder.conv(builder.relu(x), place.channels, SAME, this.#name()), this.#norm(), this.#name())
    const box = () => builder.pool(pick(this.#stream, ['avgPool', 'maxPool']), x, SAME)
    const candidates: readonly (() => ValueId | null)[] = [
      ...[() => null, () => x, normalised, box, () => this.#alike(x, true)],
      ...[
        () => builder.zeros(place),
        () => builder.noise(place),
        () => builder.mix([x, box()], [this.#coefficients++, this.#coefficients++], place),
      ],
    ]
    const inputs = Array.from({ length: 1 + this.#draw(5) }, () => pick(this.#stream, candidates)())
    return builder.mix(
      inputs,
      inputs.map(() => this.#coefficients++),
      place,
    )
  }

  #classify(x: ValueId, classes: number): ValueId {
    const pooled = this.#draw(2) === 0 ? this.#builder.globalMean(x) : x
    return this.#builder.linear(pooled, classes, this.#name())
  }

  #convolve(x: ValueId): ValueId {
    return this.#builder.conv(x, 1 + this.#draw(9), this.#window(this.#builder.value(x)), this.#name())
  }

  /** Returns a random window that fits; often one that keeps the size. */
  #window({ height, width }: Value): Window {
    const [kernel, dilation, stride] = [pick(this.#stream, [1, 2, 3, 5]), 1 + this.#draw(2), 1 + (this.#draw(3) >> 1)]
    const span = dilation * (kernel - 1) + 1
    const least = Math.max(0, Math.ceil((span - Math.min(height, width)) / 2))
    const padding = Math.max(least, pick(this.#stream, [0, (span - 1) >> 1, (span - 1) >> 1]))
    return { kernel, dilation, stride, padding }
  }

  /** Returns a random pooling whose windows all contain at least one pixel. */
  #pooling({ height, width }: Value): Partial<Window> & { kernel: number } {
    const kernel = 1 + this.#draw(Math.min(3, height, width))
    return { kernel, stride: 1 + this.#draw(2), padding: this.#draw(1 + (kernel >> 1)) }
  }

  #norm() {
    return { affine: this.#draw(2) === 0, track: this.#draw(2) === 0 }
  }

  #any(): ValueId {
    return pick(this.#stream, this.#values)
  }

  /** Returns another value of the same shape if there is one, else the value itself. */
  #alike(x: ValueId, exactly: boolean): ValueId {
    const wanted = this.#builder.value(x)
    const fitting = this.#values.filter((id) => {
      const { height, width, channels } = this.#builder.value(id)
      return height === wanted.height && width === wanted.width && (!exactly || channels === wanted.channels)
    })
    return pick(this.#stream, [x, ...fitting])
  }

  #draw(count: number): number {
    return this.#stream.integer(count)
  }

  #name(): string {
    return `layer${this.#names++}`
  }
}

const SAME = { kernel: 3, padding: 1 }

function drawRequest(network: Network, stream: RandomStream): Request {
  const size = 1 + stream.integer(4)
  const feed = feedFor(network, size)
  return {
    feed: { ...feed, ...drawMixing(network, stream) },
    batchSize: size + stream.integer(3),
    objective: drawObjective(network, size, stream),
    mode: pick<Mode>(stream, ['train', 'train', 'probe', 'eval']),
  }
}

function drawMixing(
  { coefficientCount: length }: Network,
  stream: RandomStream,
): Pick<Feed, 'coefficients' | 'active'> {
  const weight = () => pick(stream, [0, -0.5, 1, 20, stream.uniform(), stream.uniform()])
  const isOn = pick(stream, [() => 1, () => stream.integer(2), () => stream.integer(2), () => 0])
  const coefficients = Float64Array.from({ length }, weight)
  return stream.integer(2) === 0 ? { coefficients } : { coefficients, active: Uint8Array.from({ length }, isOn) }
}

function drawObjective({ classes }: Network, size: number, stream: RandomStream): Objective {
  if (stream.integer(3) > 0) return { kind: 'cross-entropy', labelSmoothing: pick(stream, [0, 0.1]) }
  return { kind: 'logits', cotangent: Float32Array.from({ length: size * classes }, () => stream.normal()) }
}
