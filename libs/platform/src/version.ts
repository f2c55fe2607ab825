/** The release, as the documents and `signet --version` say it. */
export const version = '0.1.0';
