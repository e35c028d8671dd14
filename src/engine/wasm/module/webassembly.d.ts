/**
 * Declares the part of the WebAssembly API that the engine uses; TypeScript declares it only together with the
 * browser's DOM.
 */
declare namespace WebAssembly {
  class Module {
    private readonly module: unique symbol
  }
  class Memory {
    readonly buffer: ArrayBufferLike
    constructor(descriptor: { readonly initial: number; readonly maximum: number; readonly shared: true })
    grow(pages: number): number
  }
  class Global {
    value: number
  }
  class Instance {
    readonly exports: Readonly<Record<string, unknown>>
    constructor(module: Module, imports?: { readonly env: { readonly memory: Memory } })
  }
  function validate(bytes: Uint8Array): boolean
  function compile(bytes: Uint8Array): Promise<Module>
}
