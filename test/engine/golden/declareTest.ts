/** How a golden case becomes a test. */
export type DeclareTest = (name: string, body: () => Promise<void>) => void
