import { ChannelSettingsSchema, type ChannelSettings } from '@signet/contracts';
import { KeyRing, type SealedColumn } from '@signet/platform';
import { Injectable } from '@nestjs/common';

const PURPOSE = 'channel-settings';
/** The settings of channels, for `signet keys rotate`. */
export const channelSecrets: SealedColumn = {
  table: 'delivery.channels',
  column: 'sealed_settings',
  workspaceId: 'workspace_id',
  purpose: PURPOSE,
};

interface Owner {
  workspaceId: string;
  id: string;
}

/** Passwords and the URLs of chats rest sealed; with them, for one rule, everything of a channel's settings. */
@Injectable()
export class SealedSettings {
  constructor(private readonly keyRing: KeyRing) {}

  seal(settings: ChannelSettings, owner: Owner): Buffer {
    return this.keyRing.seal(Buffer.from(JSON.stringify(settings)), contextOf(owner));
  }

  open(sealed: Buffer, owner: Owner): ChannelSettings {
    return ChannelSettingsSchema.parse(JSON.parse(this.keyRing.open(sealed, contextOf(owner)).toString()));
  }
}

const contextOf = ({ workspaceId, id }: Owner) => ({ workspaceId, recordId: id, purpose: PURPOSE });
