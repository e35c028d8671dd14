/**
 * Declares a test, such as `it` does; files of reference numbers get it as an argument so that slow devices can skip
 * cases.
 */
export type DeclareTest = (name: string, body: () => Promise<void>) => void
