// A component that renders again only when one of its properties is another object.
import { Component, type ComponentType, type FunctionComponent } from 'preact';

export function pure<P extends object>(Inner: FunctionComponent<P>): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P) {
      const old = this.props as Record<string, unknown>;
      return Object.entries(next).some(([name, value]) => old[name] !== value);
    }

    override render(props: P) {
      return <Inner {...props} />;
    }
  };
}
